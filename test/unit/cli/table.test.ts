import { describe, expect, it } from 'vitest'
import { formatTable } from '../../../src/cli/table.ts'
import type { Row } from '../../../src/operator/admin/row.ts'

const common = {
  pluginID: 'directories',
  state: 'Ready',
  externalID: 'e-1',
  reason: 'AsDeclared',
  message: 'all is well',
} as const
const data: Row = { kind: 'Volume', name: 'default/data', ...common }
const before: Row = {
  kind: 'Snapshot',
  name: 'default/before',
  ...common,
  volume: 'data',
  createTime: '2026-08-02T03:00:00.000Z',
}

describe('a table of rows', () => {
  it.each<[string, readonly Row[], boolean, RegExp]>([
    ['of snapshots has the volume of each and when it was taken', [before], false, /VOLUME +TAKEN$/m],
    [
      'of everything has neither',
      [data, before],
      false,
      /^KIND +NAME +PLUGIN +STATE +REASON +EXTERNAL ID +SIZE$/m,
    ],
    ['of everything has both where it is wide', [data, before], true, /VOLUME +TAKEN +MESSAGE$/m],
    ['of volumes has neither where it is wide', [data], true, /SIZE +MESSAGE$/m],
    ['shows them', [before], false, /AsDeclared +e-1 +data +2026-08-02T03:00:00.000Z$/m],
    ['names clusters where there are several', [{ ...data, cluster: 'east' }], false, /^CLUSTER +KIND/m],
  ])('%s', (_title, rows, isWide, expected) => {
    expect(formatTable(rows, { isWide })).toMatch(expected)
  })
})
