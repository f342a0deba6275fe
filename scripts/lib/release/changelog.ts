/** CHANGELOG.md in the form of Keep a Changelog 1.1.0. */

const unreleased = '## [Unreleased]'

/** Headings of changes that Keep a Changelog knows. */
const kinds = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security']

/** What stands beneath a version's heading. @throws Error where there is no such version, or nothing beneath it */
export function releaseNotes(changelog: string, version: string): string {
  const notes = sectionsOf(changelog).get(version)?.text
  if (notes === undefined) throw new Error(`CHANGELOG.md has no "## [${version}] - <date>"`)
  if (notes === '') throw new Error(`CHANGELOG.md says nothing of ${version}`)
  return notes
}

/** Turns what is unreleased into a version of this day, and leaves an empty heading above it. @param date ISO */
export function releaseUnreleased(changelog: string, version: string, date: string): string {
  const sections = sectionsOf(changelog)
  if (sections.has(version)) throw new Error(`CHANGELOG.md has the version ${version} already`)
  if ((sections.get('Unreleased')?.text ?? '') === '')
    throw new Error(`CHANGELOG.md says nothing beneath "${unreleased}": write what changed`)
  return changelog.replace(unreleased, `${unreleased}\n\n## [${version}] - ${date}`)
}

/** What is not as Keep a Changelog says. */
export function changelogFaults(changelog: string): string[] {
  const sections = [...sectionsOf(changelog)]
  const [first, ...versions] = sections
  return [
    ...(changelog.startsWith('# Changelog\n') ? [] : ['begin with "# Changelog"']),
    ...(first?.[0] === 'Unreleased' ? [] : [`the first section is not "${unreleased}"`]),
    ...versions.flatMap(([version, { date }]) =>
      /^\d{4}-\d\d-\d\d$/.test(date) ? [] : [`${version} has no date such as 2026-11-29`],
    ),
    ...sections.flatMap(([version, { text }]) =>
      [...text.matchAll(/^### (.*)$/gm)].flatMap(([, kind = '']) =>
        kinds.includes(kind) ? [] : [`${version}: "${kind}" is none of ${kinds.join(', ')}`],
      ),
    ),
  ]
}

function sectionsOf(changelog: string): Map<string, { date: string; text: string }> {
  const parts = changelog.split(/^## \[(.+?)\](?: - (.*))?$/m).slice(1)
  const sections = new Map<string, { date: string; text: string }>()
  for (let at = 0; at < parts.length; at += 3) {
    const [version = '', date = '', text = ''] = parts.slice(at, at + 3)
    sections.set(version, { date, text: text.trim() })
  }
  return sections
}
