"""The course as a website, and its pictures for slides. Needs the folder tutorials: a clone, not an installed wheel."""
