// Enhances pages that work without it: turns on the design system's own components, nothing else.
import { initAll } from './vendor/govuk-frontend.min.js'

document.body.classList.add('js-enabled', 'govuk-frontend-supported')
initAll()
