import { readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { describe, expect, it } from 'vitest'
import { changelogFaults, releaseNotes, releaseUnreleased } from '../../scripts/lib/release/changelog.ts'
import { replaceVersion, versionPlaces, versionsIn } from '../../scripts/lib/release/version-files.ts'

const textOf = (file: string) => readFileSync(file, 'utf8')
const packageJSON: { version: string; scripts: Record<string, string> } = JSON.parse(textOf('package.json'))

const changelog = `# Changelog

## [Unreleased]

### Added

- Something.

## [1.0.0] - 2026-01-02

### Fixed

- A fault.
`

describe('a changelog', () => {
  it('has the notes of a version', () => {
    expect(releaseNotes(changelog, '1.0.0')).toBe('### Fixed\n\n- A fault.')
    expect(() => releaseNotes(changelog, '1.1.0')).toThrow('has no "## [1.1.0] - <date>"')
  })

  it('makes a version of what is unreleased', () => {
    const after = releaseUnreleased(changelog, '1.1.0', '2026-11-29')
    expect(changelogFaults(after)).toEqual([])
    expect(releaseNotes(after, '1.1.0')).toBe('### Added\n\n- Something.')
    expect(after).toContain('## [Unreleased]\n\n## [1.1.0] - 2026-11-29\n\n### Added')
    expect(() => releaseUnreleased(after, '1.2.0', '2026-11-30')).toThrow('says nothing beneath')
    expect(() => releaseUnreleased(changelog, '1.0.0', '2026-11-30')).toThrow('has the version 1.0.0 already')
  })

  it.each([
    ['no heading', '## [Unreleased]\n', /begin with/],
    ['nothing unreleased', '# Changelog\n\n## [1.0.0] - 2026-01-02\n', /first section is not/],
    ['no date', '# Changelog\n\n## [Unreleased]\n\n## [1.0.0]\n', /1\.0\.0 has no date/],
    ['a heading of its own', '# Changelog\n\n## [Unreleased]\n\n### New\n', /"New" is none of/],
  ])('is refused with %s', (_title, text, fault) => {
    expect(changelogFaults(text).join()).toMatch(fault)
  })

  it('of Mooring is one', () => {
    expect(changelogFaults(textOf('CHANGELOG.md'))).toEqual([])
  })
})

describe('the version', () => {
  it.each(versionPlaces)('of $file is that of the package', (place) => {
    const versions = versionsIn(textOf(place.file), place)
    expect(versions.length).toBeGreaterThan(0)
    expect(new Set(versions)).toEqual(new Set([packageJSON.version]))
  })

  it('is replaced where it stands, and nowhere else', () => {
    for (const place of versionPlaces) {
      const before = textOf(place.file)
      const after = replaceVersion(before, place, '9.8.7')
      expect(new Set(versionsIn(after, place)), place.file).toEqual(new Set(['9.8.7']))
      expect(replaceVersion(after, place, packageJSON.version)).toBe(before)
    }
    expect(() => replaceVersion('', versionPlaces[0] ?? expect.fail(), '9.8.7')).toThrow('names no version')
  })
})

describe('the release workflow', () => {
  const text = textOf('.github/workflows/release.yml')
  const { jobs } = load(text) as { jobs: { release: { steps: { run?: string; uses?: string }[] } } }

  it('names each action by a commit, and the release that it is beside it', () => {
    const actions = [...text.matchAll(/uses: (.*)/g)].map(([, action]) => action)
    expect(actions).toHaveLength(3)
    for (const action of actions) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })

  it('runs only scripts that the package has, after all checks', () => {
    const steps = jobs.release.steps.map(({ run = '', uses = '' }) => run || uses)
    const scripts = [...text.matchAll(/npm run ([a-z:-]+)/g)].map(([, name]) => name)
    expect(scripts).toContain('release')
    for (const name of scripts) expect(packageJSON.scripts).toHaveProperty([name ?? ''])
    expect(steps.indexOf('.ci/run')).toBeGreaterThan(0)
    expect(steps.indexOf('.ci/run')).toBeLessThan(steps.indexOf('npm run release -- build'))
  })
})
