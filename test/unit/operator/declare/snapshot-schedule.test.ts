import { describe, expect, it } from 'vitest'
import { parseDeclarations } from '../../../../src/operator/declare/parse-declarations.ts'

function parse(spec: string) {
  const text = `apiVersion: mooring.dev/v1alpha1\nkind: SnapshotSchedule\nmetadata: {name: nightly}\nspec:\n${spec.replace(/^/gm, '  ')}\n`
  return parseDeclarations(text, { source: 's', file: 'f.yaml' })
}

describe('a SnapshotSchedule', () => {
  it('has defaults for all that it need not say', () => {
    const { declarations, problems } = parse('schedule: "0 3 * * *"\nvolumes: {names: [data]}')
    expect(problems).toEqual([])
    expect(declarations[0]).toMatchObject({
      kind: 'SnapshotSchedule',
      name: 'nightly',
      spec: {
        namespace: 'default',
        timeZone: 'Etc/UTC',
        startingDeadlineSeconds: 3600,
        jitterSeconds: 0,
        suspend: false,
      },
    })
  })

  it.each([
    [
      'a schedule with a wrong field',
      'schedule: "0 25 * * *"\nvolumes: {names: [data]}',
      'spec.schedule',
      'cron',
    ],
    [
      'a schedule with seconds',
      'schedule: "0 0 3 * * *"\nvolumes: {names: [data]}',
      'spec.schedule',
      'five fields',
    ],
    ['a date that never comes', 'schedule: "0 0 31 2 *"\nvolumes: {names: [data]}', 'spec.schedule', 'never'],
    [
      'an unknown time zone',
      'schedule: "@daily"\ntimeZone: Europe/Atlantis\nvolumes: {names: [data]}',
      'spec.timeZone',
      'Europe/Berlin',
    ],
    ['no volumes at all', 'schedule: "@daily"\nvolumes: {}', 'spec.volumes', 'selector'],
    [
      'an age without a unit',
      'schedule: "@daily"\nvolumes: {names: [data]}\nretention: {maxAge: "90"}',
      'spec.retention.maxAge',
      '90d',
    ],
    [
      'a misspelt retention rule',
      'schedule: "@daily"\nvolumes: {names: [data]}\nretention: {keepLasts: 3}',
      'spec.retention.keepLasts',
      'keepLast',
    ],
  ])('is refused with %s, and told the remedy', (_title, spec, field, remedy) => {
    const { declarations, problems } = parse(spec)
    expect(declarations).toEqual([])
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({ field })
    expect(problems[0]?.message).toContain(remedy)
  })

  it('never repeats a secret that stands where a reference should', () => {
    const { problems } = parse(
      'schedule: "@daily"\nvolumes: {names: [data]}\ntemplate: {secrets: {key: hunter2}}',
    )
    expect(problems).toHaveLength(1)
    expect(JSON.stringify(problems)).not.toContain('hunter2')
    expect(problems[0]?.field).toBe('spec.template.secrets.key')
  })
})
