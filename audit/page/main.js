// The page's one form: files by choice or by drag and drop, a key, a policy; a verdict below.

import { judgeFiles } from "./judge.js";
import { clearVerdict, showVerdict, spoken } from "./view.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("form"));
const evidence = /** @type {HTMLInputElement} */ (document.getElementById("evidence"));
const key = /** @type {HTMLTextAreaElement} */ (document.getElementById("key"));
const policyText = /** @type {HTMLTextAreaElement} */ (document.getElementById("policy-text"));
const policyFile = /** @type {HTMLInputElement} */ (document.getElementById("policy-file"));
const drop = /** @type {HTMLElement} */ (document.getElementById("drop"));
const chosen = /** @type {HTMLElement} */ (document.getElementById("chosen"));
const button = /** @type {HTMLButtonElement} */ (document.getElementById("check"));
const working = /** @type {HTMLElement} */ (document.getElementById("working"));
const bar = /** @type {HTMLProgressElement} */ (document.getElementById("bar"));
const status = /** @type {HTMLElement} */ (document.getElementById("status"));
const result = /** @type {HTMLElement} */ (document.getElementById("result"));

const SPOKEN_STEPS = 4;
let isAtWork = false;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!isAtWork) {
    void check();
  }
});
form.addEventListener("input", forget);
form.addEventListener("change", forget);
evidence.addEventListener("change", nameFiles);
document.addEventListener("dragover", (event) => {
  event.preventDefault(); // otherwise the browser opens what is dropped
  drop.classList.add("over");
});
document.addEventListener("dragleave", () => drop.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer && event.dataTransfer.files.length > 0 && !isAtWork) {
    evidence.files = event.dataTransfer.files;
    nameFiles();
    forget();
  }
});

/** An old verdict must not stand beside a new file. */
function forget() {
  if (!isAtWork) {
    clearVerdict(result);
    status.textContent = "";
  }
}

function nameFiles() {
  const names = [...(evidence.files ?? [])].map(({ name }) => name);
  chosen.textContent = names.length === 0 ? "No file is chosen." : `Chosen: ${names.join(", ")}`;
}

async function check() {
  begin();
  const files = [...(evidence.files ?? [])];
  const question = {
    files,
    key: key.value,
    policyText: policyText.value,
    policyFile: policyFile.files?.[0] ?? null,
  };
  const verdict = await judgeFiles(question, progress());
  isAtWork = false;
  button.removeAttribute("aria-disabled");
  working.hidden = true;
  showVerdict(result, verdict, files.map(({ name }) => name));
  status.textContent = spoken(verdict);
  result.scrollIntoView({ block: "start" });
}

function begin() {
  clearVerdict(result);
  isAtWork = true;
  button.setAttribute("aria-disabled", "true");
  working.hidden = false;
  bar.removeAttribute("value");
  status.textContent = "Checking.";
}

/**
 * @returns {import("./bundle.js").Progress} moves the bar, and says each quarter aloud
 */
function progress() {
  let said = 0;
  return (done, whole) => {
    bar.max = Math.max(whole, 1);
    bar.value = done;
    const step = Math.floor((done / Math.max(whole, 1)) * SPOKEN_STEPS);
    if (step > said && step < SPOKEN_STEPS) {
      said = step;
      status.textContent = `Checking: ${(100 / SPOKEN_STEPS) * step} per cent.`;
    }
  };
}

nameFiles();
form.hidden = false;
