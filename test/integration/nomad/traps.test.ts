import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { createNomadClient, type NomadClient } from '../../../src/nomad/client.ts'
import { createObserver, type NomadObserver } from '../../../src/nomad/observer.ts'
import type { Declaration, VolumeDeclaration } from '../../../src/operator/declare/declaration.ts'
import { createDesired } from '../../../src/operator/desired/desired.ts'
import { createMemoryInventory, emptyContents } from '../../../src/operator/inventory/memory-inventory.ts'
import { keyOf } from '../../../src/operator/plan/identity.ts'
import { longestCallMs } from '../../../src/operator/plan/intent.ts'
import { createReconcile } from '../../../src/operator/reconcile/reconcile.ts'
import { volume } from '../../builders/declarations.ts'
import { reading } from '../../builders/evidence.ts'
import { aVolume, aVolumeStub } from '../../builders/nomad.ts'
import { clockOf } from '../../builders/now.ts'
import { startHttpServer } from '../../fakes/http-server.ts'
import { startTrappedNomad, type TrappedNomad } from '../../fakes/trapped-nomad.ts'

/** Each trap of Nomad's Volumes API that docs/real-nomad.md lists, walked into by the passes over real HTTP. */
let nomad: TrappedNomad
let client: NomadClient
let observer: NomadObserver
let nowMs: number
beforeEach(async () => {
  nomad = await startTrappedNomad()
  client = createNomadClient({ address: nomad.address })
  // It does not block, so it is polled.
  observer = createObserver({ client, clock: systemClock, random: () => 0, log: silentLog, pollMs: 20 })
  nowMs = 1_000_000
})
afterEach(async () => {
  await observer.close()
  await client.close()
  await nomad.close()
})

/** Passes of the operator, over an inventory in memory; a secret's value is its variable's name. */
function startPasses() {
  const inventory = createMemoryInventory(emptyContents, (text) => `hash of ${text}`)
  const desired = createDesired({
    inventory,
    region: 'global',
    prune: { prune: true, pruneDelayMs: 1000, maxPrune: 100, allowEmpty: true },
  })
  const reconcile = createReconcile({
    api: client,
    observer,
    inventory,
    secrets: {
      resolve: async (references) =>
        Object.fromEntries(
          Object.entries(references).map(([name, reference]) => [
            name,
            'fromEnv' in reference ? String(reference.fromEnv) : '',
          ]),
        ),
    },
    desired,
    clock: clockOf(() => nowMs),
    log: silentLog,
    region: 'global',
    callsEndedBeforeMs: undefined,
    wake: () => {},
    onStatus: () => {},
  })
  const pass = async (declarations: readonly Declaration[]) => {
    await desired.update(declarations, reading(declarations, nowMs))
    for (const key of new Set([...declarations.map(keyOf), ...inventory.list().map(({ key: own }) => own)])) {
      await reconcile(key, new AbortController().signal)
    }
  }
  return {
    pass,
    reason: (declaration: Declaration) =>
      inventory.get(keyOf(declaration))?.status.conditions.find(({ type }) => type === 'Ready')?.reason,
    /** Passes until the declaration's reason is this one. */
    until: (declarations: readonly Declaration[], reason: string | undefined, of: Declaration) =>
      vi.waitFor(
        async () => {
          nowMs += 2000
          await pass(declarations)
          expect(
            inventory.get(keyOf(of))?.status.conditions.find(({ type }) => type === 'Ready')?.reason,
          ).toBe(reason)
        },
        { timeout: 10_000, interval: 10 },
      ),
  }
}

const data = (spec: Partial<VolumeDeclaration['spec']> = {}) =>
  volume('data', {
    capacity: { min: 1024n },
    secrets: { key: { fromEnv: 'MOORING_SECRET_ONE' } },
    mountOptions: { fsType: 'ext4', mountFlags: ['noatime'] },
    deletionPolicy: 'Delete',
    ...spec,
  })

describe('traps of Nomad', () => {
  it('a read is not put back: an update has the declared secrets and flags, not null and [REDACTED]', async () => {
    const passes = startPasses()
    await passes.until([data()], 'AsDeclared', data())
    expect(await client.readVolume('default', 'data')).toMatchObject({
      Secrets: null,
      MountOptions: { MountFlags: ['[REDACTED]'] },
    })
    const grown = data({ capacity: { min: 4096n } })
    await passes.until([grown], 'AsDeclared', grown)
    expect(nomad.lastBody()).toMatchObject({
      RequestedCapacityMin: 4096,
      Secrets: { key: 'MOORING_SECRET_ONE' },
      MountOptions: { FSType: 'ext4', MountFlags: ['noatime'] },
    })
    expect(nomad.lastBody()).not.toHaveProperty('Topologies')
    expect(nomad.hidden.get('data')).toEqual({
      secrets: { key: 'MOORING_SECRET_ONE' },
      flags: ['noatime'],
    })
  })

  it('secrets that reads erased are sent again with every update, and with the delete', async () => {
    nomad.erasesSecrets = true
    const passes = startPasses()
    await passes.until([data()], 'AsDeclared', data())
    expect(nomad.hidden.get('data')?.secrets).toEqual({})
    const grown = data({ capacity: { min: 4096n } })
    await passes.until([grown], 'AsDeclared', grown)
    expect(nomad.lastBody()).toMatchObject({
      RequestedCapacityMin: 4096,
      Secrets: { key: 'MOORING_SECRET_ONE' },
    })
    await passes.until([], undefined, grown)
    const deletion = nomad.requests.find(
      ({ method, path }) => method === 'DELETE' && path.endsWith('/delete'),
    )
    expect(deletion?.headers['x-nomad-csi-secrets']).toBe('key=MOORING_SECRET_ONE')
    expect(nomad.disks.size).toBe(0)
  })

  it('a delete that would destroy before it looks for claims is never sent for a volume in use', async () => {
    const passes = startPasses()
    await passes.until([data()], 'AsDeclared', data())
    const claimed = nomad.volumes.get('data') ?? aVolume('data')
    // Claimed after the last look: only Nomad's own check can know.
    const list = await client.readVolume('default', 'data')
    expect(list?.WriteAllocs).toEqual({})
    nomad.volumes.set('data', { ...claimed, WriteAllocs: { 'alloc-1': null } })
    await passes.until([], 'InUse', data())
    expect(nomad.disks.size).toBe(1)
    expect(nomad.writes().filter((write) => write.endsWith('/delete'))).toEqual([])
    nomad.volumes.set('data', { ...claimed, ModifyIndex: 999 })
    nowMs += 60_000
    await passes.until([], undefined, data())
    expect(nomad.disks.size).toBe(0)
  })

  it('a create in a namespace that is missing would leak an external volume, and is not sent', async () => {
    const passes = startPasses()
    const elsewhere = data({ namespace: 'prod' })
    await passes.until([elsewhere], 'NamespaceNotFound', elsewhere)
    expect(nomad.writes()).toEqual([])
    await expect(
      client.createVolume({ ID: 'data', Namespace: 'prod', Name: 'data', PluginID: 'directories' }),
    ).rejects.toMatchObject({ kind: 'ambiguous', reason: 'NamespaceNotFound' })
    expect(nomad.disks.size).toBe(1)
    nomad.disks.clear()
    nomad.namespaces.add('prod')
    await passes.until([elsewhere], 'AsDeclared', elsewhere)
    expect(nomad.disks.size).toBe(1)
  })

  it('a create whose answer is lost runs on for two minutes, and is waited for, not repeated', async () => {
    const running = Promise.withResolvers<void>()
    nomad.losesCreates = running.promise
    const passes = startPasses()
    await passes.pass([data()])
    expect(nomad.writes()).toEqual(['PUT /v1/volume/csi/data/create'])
    for (let waitedMs = 0; waitedMs < longestCallMs - 20_000; waitedMs += 10_000) {
      nowMs += 10_000
      await passes.pass([data()])
      expect(passes.reason(data())).toBe('OutcomeUnknown')
    }
    expect(nomad.writes()).toHaveLength(1)
    running.resolve()
    nomad.losesCreates = undefined
    await passes.until([data()], 'AsDeclared', data())
    expect(nomad.disks.size).toBe(1)
    expect(nomad.writes().filter((write) => write.endsWith('/create'))).toHaveLength(1)
  })

  it('lists are asked for by namespace and without plugin_id, which with namespace=* gives nothing', async () => {
    nomad.namespaces.add('prod')
    const passes = startPasses()
    const other = data({ namespace: 'prod', volumeID: 'other', name: 'other' })
    await passes.until([other], 'AsDeclared', other)
    const lists = nomad.requests.filter(({ path }) => path === '/v1/volumes')
    expect(new Set(lists.map(({ query }) => query.get('namespace')))).toEqual(new Set(['prod']))
    expect(lists.some(({ query }) => query.has('plugin_id') || query.has('node_id'))).toBe(false)
  })

  it('nulls in Topologies are no difference', async () => {
    const passes = startPasses()
    await passes.until([data()], 'AsDeclared', data())
    expect((await observer.volume('default', 'data'))?.Topologies).toEqual([
      null,
      { Segments: { rack: 'R1' } },
    ])
    const writes = nomad.writes().length
    await passes.pass([data()])
    expect(nomad.writes()).toHaveLength(writes)
  })

  it('numbers beyond 2^53 are exact both ways', async () => {
    const passes = startPasses()
    const great = data({ capacity: { min: 9_007_199_254_740_993n } })
    await passes.pass([great])
    expect(nomad.requests.find(({ method }) => method === 'PUT')?.body).toContain(
      '"RequestedCapacityMin":9007199254740993',
    )
    nomad.volumes.set('data', aVolume('data', { ModifyIndex: 2n ** 64n - 1n, Capacity: 2n ** 53n + 1n }))
    expect(await client.readVolume('default', 'data')).toMatchObject({
      ModifyIndex: 2n ** 64n - 1n,
      Capacity: 2n ** 53n + 1n,
    })
  })

  it('a list of 20,000 volumes is read whole', async () => {
    const stubs = Array.from({ length: 20_000 }, (_, index) => aVolumeStub(aVolume(`data[${index}]`)))
    const large = await startHttpServer(() => ({ body: stubs }))
    const reader = createNomadClient({ address: large.address })
    const { items } = await reader.listVolumes('default')
    expect(items).toHaveLength(20_000)
    await reader.close()
    await large.close()
  })
})
