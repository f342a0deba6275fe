import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createDirectPlugins } from '../../../src/csi/direct-plugins.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { type FakePlugin, startFakePlugin } from '../../fakes/csi-plugin.ts'
import { mebibyte, mountCapability, runDriver, temporaryDirectory } from '../../support/driver.ts'

/** What would be asked of Nomad, where a plugin is not reached. */
const byNomad = {
  listExternalVolumes: async () => new Map([['by-nomad', undefined as never]]),
  listSnapshots: async () => new Map([['by-nomad', undefined as never]]),
}

function open(endpoints: Readonly<Record<string, string>>, calls: string[] = []) {
  const plugins = createDirectPlugins({
    endpoints: new Map(Object.entries(endpoints)),
    clock: systemClock,
    log: silentLog,
    aroundCall: async ({ pluginID, path }, run) => {
      calls.push(`${pluginID} ${path}`)
      return run()
    },
  })
  onTestFinished(plugins.close)
  return { plugins, lists: plugins.listsBeside(byNomad) }
}

describe('our driver, reached at its socket', () => {
  it('is asked for its volumes and snapshots, for one volume, and for room', async () => {
    const directory = await temporaryDirectory()
    onTestFinished(directory.remove)
    const driver = await runDriver(directory.path, { publish: 'symlink' })
    onTestFinished(driver.close)
    const { volume } = await driver.client.createVolume({
      name: 'data',
      capacityRange: { requiredBytes: mebibyte },
      volumeCapabilities: [mountCapability],
    })
    const volumeId = volume?.volumeId ?? ''
    await driver.client.createSnapshot({ name: 'before', sourceVolumeId: volumeId })
    await driver.client.controllerPublishVolume({
      ...{ volumeId, nodeId: 'node-1', readonly: false, volumeCapability: mountCapability },
    })
    const calls: string[] = []
    const { plugins, lists } = open({ directories: driver.endpoint }, calls)

    const listed = (await lists.listExternalVolumes('directories')).get(volumeId)
    expect(listed).toMatchObject({ CapacityBytes: Number(mebibyte), PublishedExternalNodeIDs: ['node-1'] })
    const snapshots = [...(await lists.listSnapshots('directories')).values()]
    expect(snapshots).toMatchObject([
      { PluginID: 'directories', ExternalSourceVolumeID: volumeId, IsReady: true },
    ])
    expect(await plugins.externalVolume('directories', volumeId)).toEqual(listed)
    expect(await plugins.externalVolume('directories', 'other')).toBe('unlisted')
    expect((await plugins.room('directories', {}))?.availableBytes).toBeGreaterThan(0n)

    const what = { pluginID: 'directories', externalID: volumeId, externalNodeID: 'node-1', secrets: {} }
    expect(await plugins.unpublish(what)).toBe(true)
    expect(await plugins.externalVolume('directories', volumeId)).toMatchObject({
      PublishedExternalNodeIDs: [],
    })
    expect(calls).toContain('directories /csi.v1.Controller/ControllerUnpublishVolume')
  })
})

describe('a plugin that cannot be asked directly', () => {
  let plugin: FakePlugin
  beforeAll(async () => {
    plugin = await startFakePlugin()
    return plugin.dispose
  })
  const what = (pluginID: string) => ({ pluginID, externalID: 'x', externalNodeID: 'n', secrets: {} })

  it.each<[string, () => Readonly<Record<string, string>>]>([
    ['has no endpoint', () => ({})],
    ['does not answer at its endpoint', () => ({ disk: `${plugin.endpoint}.gone` })],
    ['says that it is not ready', () => ({ disk: plugin.endpoint })],
  ])('because it %s, is left to Nomad', async (_title, endpoints) => {
    plugin.ready = false
    const { plugins, lists } = open(endpoints())
    expect([...(await lists.listExternalVolumes('disk')).keys()]).toEqual(['by-nomad'])
    expect([...(await lists.listSnapshots('disk')).keys()]).toEqual(['by-nomad'])
    expect(await plugins.externalVolume('disk', 'x')).toBe('unknown')
    expect(await plugins.room('disk', {})).toBeUndefined()
    expect(await plugins.unpublish(what('disk'))).toBe(false)
  })

  it('because it lacks a capability, is left to Nomad in that alone', async () => {
    plugin.ready = true
    plugin.capabilities = new Set(['LIST_VOLUMES'])
    const { plugins, lists } = open({ disk: plugin.endpoint })
    expect((await lists.listExternalVolumes('disk')).size).toBe(0)
    expect([...(await lists.listSnapshots('disk')).keys()]).toEqual(['by-nomad'])
    expect(await plugins.externalVolume('disk', 'x')).toBe('unknown')
    expect(await plugins.unpublish(what('disk'))).toBe(false)
  })
})
