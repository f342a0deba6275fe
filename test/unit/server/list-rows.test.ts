import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJSON, stringifyJSON } from '../../../src/lib/json.ts'
import type { PluginRecord } from '../../../src/server/state/records.ts'
import { createListRow, createReadWriter } from '../../../src/server/volumes/list-rows.ts'
import { describeVolume } from '../../../src/server/volumes/present-volume.ts'
import { volumeRecord } from '../../builders/server-records.ts'

const node = { id: 'n1', name: 'machine', region: 'global', datacenter: 'dc1' }
const plugin: PluginRecord = {
  id: 'disk',
  healthy: true,
  healthDescription: '',
  provider: 'disk.example.com',
  providerVersion: '1.2.3',
  requiresTopologies: false,
  controller: undefined,
  node: undefined,
  createIndex: 1,
  modifyIndex: 2,
  createTimeMs: 1,
  modifyTimeMs: 2,
}
const strings = fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 })
const volumes = fc
  .record({
    id: fc.string({ minLength: 1 }),
    name: fc.string(),
    parameters: strings,
    context: strings,
    capacity: fc.bigInt({ min: 0n, max: 2n ** 62n }),
    topologies: fc.array(strings, { maxLength: 2 }),
    createTimeMs: fc.nat(),
    resourceExhaustedMs: fc.nat(),
  })
  .map(volumeRecord)

describe('the JSON of Read Volume', () => {
  it('says the same as the volume that is presented, whatever its fields hold', () => {
    const write = createReadWriter()
    fc.assert(
      fc.property(volumes, fc.boolean(), (volume, isKnown) => {
        const known = isKnown ? plugin : undefined
        const text = write(createListRow(volume, []), known)
        expect(text).toBe(stringifyJSON(describeVolume(volume, [], known, node)))
        expect(parseJSON(text)).toMatchObject({ ID: volume.id })
      }),
    )
  })

  it('follows its plugin', () => {
    const write = createReadWriter()
    const row = createListRow(volumeRecord(), [])
    expect(parseJSON(write(row, plugin))).toMatchObject({ Version: '1.2.3' })
    expect(parseJSON(write(row, { ...plugin, providerVersion: '2.0.0' }))).toMatchObject({ Version: '2.0.0' })
  })
})
