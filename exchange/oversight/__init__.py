"""The data protection officer's side: the trail in plain words, its verification, evidence, access, alarms."""
