import { createBreather } from '../../lib/breather.ts'
import { errorMessage } from '../../lib/errors.ts'
import { runInSlices } from '../../lib/slices.ts'
import { listPages } from '../../nomad/list-pages.ts'
import type { VolumeReads } from '../../nomad/reads.ts'
import type { Plugin } from '../../wire/plugin.ts'
import type { VolumeStub } from '../../wire/volume.ts'
import type { Declaration } from '../declare/declaration.ts'
import { keyOf } from '../plan/identity.ts'
import { canList, type Orphans, planOrphansInSlices, type Storage } from '../plan/orphans.ts'
import type { InventoryRecord } from '../plan/record.ts'
import type { Released } from '../plan/released.ts'

/**
 * Looks for what nothing declares. Reads only; what does not answer is said, and the rest is looked at.
 * Rejects where Nomad itself gives no list of plugins.
 */
export async function findOrphans(options: {
  readonly client: VolumeReads
  /** Asked after the storage: what is made meanwhile is then known already. */
  readonly managed: () => {
    readonly records: readonly InventoryRecord[]
    readonly released: readonly Released[]
    readonly declarations: readonly Declaration[]
  }
}): Promise<Orphans> {
  const { client } = options
  const failures: string[] = []
  async function attempt<Result>(what: string, read: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await read()
    } catch (error) {
      failures.push(`${what}: ${errorMessage(error)}`)
      return undefined
    }
  }

  const stubs = (await client.listPlugins()).items
  const plugins = await Promise.all(
    stubs.map(({ ID }) => attempt(`plugin "${ID}"`, () => client.readPlugin(ID))),
  )
  const storages = await Promise.all(
    plugins.flatMap((plugin) => (plugin === undefined ? [] : [lookInto(client, plugin)])),
  )
  const { records, released, declarations } = options.managed()
  const listed = await attempt('namespaces that nothing here declares', () => client.listNamespaces())
  const namespaces = new Set([
    ...(listed ?? ['default']),
    ...[...declarations, ...records.map(({ declaration }) => declaration)].map(({ spec }) => spec.namespace),
  ])
  const volumes = await Promise.all(
    [...namespaces].map((namespace) =>
      attempt(`volumes in namespace "${namespace}"`, () => listVolumes(client, namespace)),
    ),
  )
  const plan = planOrphansInSlices({
    storages,
    volumes: volumes.flatMap((list) => list ?? []),
    records,
    released,
    declared: new Set(declarations.map(keyOf)),
  })
  const { unknown, ...orphans } = await runInSlices(plan, createBreather())
  // Without a namespace's volumes, what they stand for would look as if nothing did.
  const isWhole = listed !== undefined && volumes.every((list) => list !== undefined)
  return {
    ...orphans,
    inStorage: isWhole ? orphans.inStorage : [],
    unknown: [
      ...failures,
      ...unknown,
      ...(isWhole ? [] : ['what is in storage and not in Nomad: it takes the volumes of every namespace']),
    ],
  }
}

/** So many volumes of a list are parsed at once. */
const pageSize = 1000

function listVolumes(client: VolumeReads, namespace: string): Promise<readonly VolumeStub[]> {
  return listPages(`list volumes in namespace "${namespace}"`, async ({ next_token: token = '' }) => {
    const page = await client.listVolumes(namespace, undefined, undefined, { token, size: pageSize })
    return { items: page.items, nextToken: page.nextToken }
  })
}

async function lookInto(client: VolumeReads, plugin: Plugin): Promise<Storage> {
  async function look<Item>(
    what: 'volumes' | 'snapshots',
    list: () => Promise<ReadonlyMap<string, Item>>,
  ): Promise<ReadonlyMap<string, Item> | { failure: string }> {
    if (!canList(plugin, what)) return { failure: 'the plugin does not announce that it can list them' }
    try {
      return await list()
    } catch (error) {
      return { failure: errorMessage(error) }
    }
  }
  return {
    plugin,
    volumes: await look('volumes', () => client.listExternalVolumes(plugin.ID)),
    snapshots: await look('snapshots', () => client.listSnapshots(plugin.ID)),
  }
}
