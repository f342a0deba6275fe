import { describe, expect, it } from 'vitest'
import { parseDeclarations } from '../../../../src/operator/declare/parse-declarations.ts'

const head = (kind: string) => `apiVersion: mooring.dev/v1alpha1\nkind: ${kind}\n`
const faultsOf = (text: string) =>
  parseDeclarations(text, { source: 'x.yaml', file: '' }).problems.map(
    ({ place, field, message }) => `${place.line}: ${field}: ${message}`,
  )

describe('the mistakes of one document are told at once', () => {
  it('what it says wrongly beside what it writes wrongly', () => {
    const text = `${head('Volume')}metadata: {name: data}
spec:
  pluginID: disks
  colour: red
  capacity: {min: 5Gi, max: 1Gi}
  capabilities: [{accessMode: single-node-writer, attachmentMode: block-device}]
  mountOptions: {fsType: ext4}
`
    expect(faultsOf(text)).toEqual([
      expect.stringMatching(/^6: spec\.colour: is not a field here/),
      expect.stringMatching(/^7: spec\.capacity\.max: is less than min/),
      expect.stringMatching(/^9: spec\.mountOptions: has no effect on a block device/),
    ])
  })

  it('and nothing that only follows from a field that is missing or misspelt', () => {
    const text = `${head('Volume')}metadata: {name: data}
spec:
  externalId: vol-1
  context: {share: a}
  mountOptions: {fsType: ext4}
`
    const faults = faultsOf(text)
    expect(faults).toEqual([
      expect.stringMatching(/^4: spec\.pluginID: is missing/),
      expect.stringMatching(/^4: spec\.capabilities: is missing/),
      expect.stringMatching(/^5: spec\.externalId: is not a field here: did you mean externalID\?/),
    ])
  })

  it('of a schedule and of a snapshot too', () => {
    const schedule = `${head('SnapshotSchedule')}metadata: {name: nightly}
spec:
  schedule: 61 * * * *
  timeZone: Mars/Olympus
  volumes: {names: [data]}
  jitterSeconds: soon
`
    expect(faultsOf(schedule)).toEqual([
      expect.stringMatching(/^5: spec\.schedule: is not a cron schedule/),
      expect.stringMatching(/^6: spec\.timeZone: is not a time zone/),
      expect.stringMatching(/^8: spec\.jitterSeconds: must be/),
    ])
    const snapshot = `${head('Snapshot')}metadata: {name: s, labels: {mooring.dev/x: y}}\nspec: {volume: 5}\n`
    expect(faultsOf(snapshot)).toEqual([
      expect.stringMatching(/^3: metadata\.labels\["mooring\.dev\/x"\]: has the reserved prefix/),
      expect.stringMatching(/^4: spec\.volume: must be a string/),
    ])
  })
})

describe('a document without a kind', () => {
  it.each([
    ['pluginID: disks', 'is missing: write kind: Volume'],
    ['volume: data', 'is missing: write kind: Snapshot'],
    ['schedule: "0 3 * * *"', 'is missing: write kind: SnapshotSchedule'],
    ['suspend: true', 'is missing: this release knows Volume, Snapshot, SnapshotSchedule, and HostVolume'],
  ])('with spec.%s: %s', (field, expected) => {
    const text = `apiVersion: mooring.dev/v1alpha1\nmetadata: {name: x}\nspec:\n  ${field}\n`
    expect(faultsOf(text)).toEqual([expect.stringContaining(`kind: ${expected}`)])
  })

  it('that misspells the word is told so where it stands', () => {
    const text = 'apiVersion: mooring.dev/v1alpha1\nkid: Volume\nmetadata: {name: x}\nspec: {}\n'
    expect(faultsOf(text)).toEqual(['2: kid: is not a field here: did you mean kind?'])
  })
})

it('the markers of a merge conflict are called that, at their line', () => {
  const text = `${head('Volume')}<<<<<<< ours\nmetadata: {name: a}\n=======\nmetadata: {name: b}\n>>>>>>> theirs\n`
  expect(faultsOf(text)).toEqual([expect.stringMatching(/^3: : has the markers of a merge conflict/)])
})
