import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { snapshotYAML, volumeYAML } from '../helpers/declarations-yaml.ts'
import { type LogLine, startMooring } from '../helpers/mooring-process.ts'
import { workplace } from '../helpers/start-up.ts'
import { patienceMs, pluginID, type RealAgent, startRealAgent, whySkipped } from './real-agent.ts'

const eventually = <T>(look: () => T | Promise<T>) => vi.waitFor(look, { timeout: patienceMs, interval: 200 })

describe.skipIf(whySkipped !== '')(
  whySkipped === '' ? 'a real Nomad agent' : `a real Nomad agent (skipped: ${whySkipped})`,
  { timeout: 4 * patienceMs },
  () => {
    let agent: RealAgent
    beforeAll(async () => {
      agent = await startRealAgent()
    }, patienceMs)
    afterAll(() => agent?.close(), patienceMs)

    /** An operator of the test's own, on a folder that the test fills. */
    async function operate(flags: readonly string[] = []) {
      const place = workplace()
      const mooring = startMooring([
        ...[
          'run',
          '--source',
          place.folder,
          '--data-dir',
          place.dataDirectory,
          '--nomad-addr',
          agent.address,
        ],
        ...['--prune', '--prune-delay', '500ms', '--max-prune', '5', '--rescan', '2s', '--resync', '10s'],
        ...flags,
      ])
      await mooring.logged(({ msg }) => msg === 'mooring runs', 'it runs')
      return {
        ...place,
        ...mooring,
        status: (key: string, state: string, reason?: string) =>
          eventually(() => {
            const line = mooring.log.findLast((each) => each.msg === 'status' && each.key === key)
            expect(line, `the status of ${key}`).toMatchObject({ state, ...(reason && { reason }) })
            return line as LogLine
          }),
      }
    }

    const declared = (name: string, fields: Readonly<Record<string, string>> = {}) =>
      volumeYAML(name, { pluginID, capacity: '{min: 1Mi}', ...fields }).replace(
        '  pluginID: directories\n',
        '',
      )

    it('creates a declared volume once, with its capacity, and finds nothing to do after that', async () => {
      const operator = await operate()
      operator.write('volume.yaml', declared('created'))
      await operator.status('Volume/default/created', 'ready')
      const volume = await agent.volume('created')
      expect(volume).toMatchObject({ PluginID: pluginID, Capacity: 1_048_576, Schedulable: true })
      expect((await agent.externalVolumes()).map(({ ExternalID }) => ExternalID)).toContain(
        volume?.ExternalID,
      )
      operator.write('other.yaml', declared('created-later'))
      await operator.status('Volume/default/created-later', 'ready')
      expect((await agent.volume('created'))?.ModifyIndex).toBe(volume?.ModifyIndex)
    })

    it('adopts a volume that `nomad volume create` made, and writes nothing', async () => {
      await agent.nomad(['volume', 'create', '-'], specification('adopted'))
      const before = await agent.volume('adopted')
      const operator = await operate()
      operator.write('volume.yaml', declared('adopted'))
      await operator.status('Volume/default/adopted', 'ready')
      expect(await agent.volume('adopted')).toMatchObject({
        ExternalID: before?.ExternalID,
        ModifyIndex: before?.ModifyIndex,
      })
    })

    it('registers the external volume that a declaration names', async () => {
      await agent.nomad(['volume', 'create', '-'], specification('elsewhere'))
      const externalID = (await agent.volume('elsewhere'))?.ExternalID
      await agent.nomad(['volume', 'deregister', 'elsewhere'])
      const operator = await operate()
      operator.write('volume.yaml', declared('registered', { externalID: externalID ?? '' }))
      await operator.status('Volume/default/registered', 'ready')
      expect((await agent.volume('registered'))?.ExternalID).toBe(externalID)
    })

    it('expands a volume, and reads the new capacity back', async () => {
      const operator = await operate()
      operator.write('volume.yaml', declared('expanded'))
      await operator.status('Volume/default/expanded', 'ready')
      operator.write('volume.yaml', declared('expanded', { capacity: '{min: 2Mi}' }))
      await eventually(async () =>
        expect((await agent.volume('expanded'))?.Capacity).toBeGreaterThanOrEqual(2 * 1_048_576),
      )
      await operator.status('Volume/default/expanded', 'ready')
    })

    it('takes a snapshot and creates a volume from it', async () => {
      const operator = await operate()
      operator.write('volume.yaml', declared('origin'))
      operator.write('snapshot.yaml', snapshotYAML('taken', 'origin', 'Delete'))
      operator.write('copy.yaml', declared('copy', { source: '{snapshot: taken}' }))
      await operator.status('Snapshot/default/taken', 'ready')
      await operator.status('Volume/default/copy', 'ready')
      expect(await agent.snapshotIDs()).toHaveLength(1)
      operator.remove('snapshot.yaml')
      await eventually(async () => expect(await agent.snapshotIDs()).toHaveLength(0))
    })

    it('registers a volume again that a person deregistered behind its back', async () => {
      const operator = await operate()
      operator.write('volume.yaml', declared('drifting'))
      await operator.status('Volume/default/drifting', 'ready')
      const externalID = (await agent.volume('drifting'))?.ExternalID
      await agent.nomad(['volume', 'deregister', 'drifting'])
      await eventually(async () => expect((await agent.volume('drifting'))?.ExternalID).toBe(externalID))
    })

    it('puts no blank disk in the place of one that a person deleted', async () => {
      const operator = await operate()
      operator.write('volume.yaml', declared('lost'))
      await operator.status('Volume/default/lost', 'ready')
      const count = (await agent.externalVolumes()).length
      await agent.nomad(['volume', 'delete', 'lost'])
      await operator.status('Volume/default/lost', 'stalled', 'Vanished')
      expect(await agent.externalVolumes()).toHaveLength(count - 1)
      expect(await agent.volume('lost')).toBeUndefined()
    })

    it('deletes what was declared with Delete, once the job that claims it has stopped', async (test) => {
      test.skip(!agent.canClaim, "Nomad's exec driver is not healthy here: it needs root and control groups")
      const operator = await operate()
      operator.write('volume.yaml', declared('claimed', { deletionPolicy: 'Delete' }))
      operator.write('stays.yaml', declared('stays'))
      await operator.status('Volume/default/claimed', 'ready')
      const externalID = (await agent.volume('claimed'))?.ExternalID
      await agent.claim('holder', 'claimed')
      operator.remove('volume.yaml')
      await operator.status('Volume/default/claimed', 'waiting', 'InUse')
      expect((await agent.volume('claimed'))?.ExternalID).toBe(externalID)
      await agent.stopJob('holder')
      await eventually(async () => {
        expect(await agent.volume('claimed')).toBeUndefined()
        expect((await agent.externalVolumes()).map(({ ExternalID }) => ExternalID)).not.toContain(externalID)
      })
    })

    const disturbances: [string, () => Promise<void>][] = [
      ['the agent is killed and started again', () => agent.restart()],
      ['the plugin is killed', () => agent.killPlugin()],
    ]
    it.each(disturbances)(
      'makes one disk for each declaration when %s in the middle',
      async (what, disturb) => {
        const prefix = what.includes('agent') ? 'agent' : 'plugin'
        const names = Array.from({ length: 12 }, (_, index) => `${prefix}-${index}`)
        const before = (await agent.externalVolumes()).length
        const operator = await operate()
        operator.write('volumes.yaml', names.map((name) => declared(name)).join('---\n'))
        await eventually(async () => expect(await agent.volume(`${prefix}-0`)).toBeDefined())
        await disturb()
        for (const name of names) await operator.status(`Volume/default/${name}`, 'ready')
        expect(await agent.externalVolumes()).toHaveLength(before + names.length)
        operator.write(
          'volumes.yaml',
          names.map((name) => declared(name, { capacity: '{min: 3Mi}' })).join('---\n'),
        )
        await eventually(async () =>
          expect((await agent.volume(`${prefix}-0`))?.Capacity).toBeGreaterThan(3_000_000),
        )
        await disturb()
        for (const name of names) {
          await eventually(async () => {
            const said = operator.log.findLast((line) => line.key === `Volume/default/${name}`)
            expect((await agent.volume(name))?.Capacity, JSON.stringify(said)).toBeGreaterThanOrEqual(
              3 * 1_048_576,
            )
          })
        }
        expect(await agent.externalVolumes()).toHaveLength(before + names.length)
      },
    )
  },
)

function specification(id: string): string {
  return `id = "${id}"
name = "${id}"
type = "csi"
plugin_id = "${pluginID}"
capacity_min = "1MiB"
capability {
  access_mode = "single-node-writer"
  attachment_mode = "file-system"
}
`
}
