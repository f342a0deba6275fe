import { createHash, randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { Clock } from '../lib/clock.ts'
import { UsageError } from '../lib/errors.ts'
import { openDatabase } from '../lib/sqlite.ts'
import { connectNomad, defaultVariablesNamespace, type NomadConnection } from '../nomad/connection.ts'
import { createConfigMapRecords } from './inventory/config-map-records.ts'
import type { LastingInventory } from './inventory/memory-inventory.ts'
import type { RecordStore } from './inventory/record-store.ts'
import {
  hasSqliteInventory,
  openSqliteInventory,
  type SqliteInventory,
} from './inventory/sqlite-inventory.ts'
import { openStoredInventory } from './inventory/stored-inventory.ts'
import { createVariableStore } from './inventory/variable-records.ts'
import type { Kubernetes } from './kubernetes.ts'
import { guardEffects } from './replicas/guard-effects.ts'
import { createLeaseLock } from './replicas/lease-lock.ts'
import type { Replica, Term } from './replicas/terms.ts'
import { createVariableLock } from './replicas/variable-lock.ts'
import type { InventorySettings } from './settings.ts'

type SharedSettings = Exclude<InventorySettings, { place: 'file' }>

/** The operator's directory, which is this process's alone from now on. */
export interface HeldDirectory {
  /** Where the inventory is a file in it. */
  readonly inventory?: SqliteInventory
  close(): void
}

/** Where the inventory is: a file, Nomad Variables, or objects of Kubernetes. */
export interface InventoryPlace {
  /** This process among those that share the inventory; undefined: it is alone. */
  readonly replica?: Replica
  /**
   * Opens the inventory for one term.
   * @param cluster of a NomadCluster, whose inventory is its own; undefined: the cluster of the operator's settings
   */
  open(term: Pick<Term, 'mayAct' | 'giveUp'>, cluster?: string): Promise<LastingInventory>
  close(): Promise<void>
}

/**
 * Keeps other operators off the directory, and opens the inventory where it is a file in it.
 * @throws UsageError where another process has it, or it holds an inventory that the settings would ignore
 */
export function holdDirectory(directory: string, { place }: InventorySettings): HeldDirectory {
  if (place === 'file') {
    const inventory = openSqliteInventory(directory)
    return { inventory, close: inventory.close }
  }
  if (hasSqliteInventory(directory)) {
    throw new UsageError(
      `${directory} holds the inventory of an operator that ran with --inventory file, and --inventory ${place} would ignore it: give another --data-dir to begin anew`,
    )
  }
  return openDatabase({
    path: join(directory, 'lock.sqlite'),
    what: "the operator's directory",
    migrations: [],
  })
}

export function openInventoryPlace(options: {
  readonly settings: InventorySettings
  readonly held: HeldDirectory
  readonly nomad: NomadConnection
  readonly kubernetes: Kubernetes | undefined
  /** Writes go nowhere. */
  readonly readOnly: boolean
  /** Where the other replicas reach the dashboard of this one: a part of its name. */
  readonly advertised: string | undefined
  readonly clock: Clock
}): InventoryPlace {
  const { settings, nomad, kubernetes, readOnly, clock } = options
  const { inventory } = options.held
  if (inventory !== undefined) return { open: async () => inventory, close: async () => {} }
  if (settings.place === 'file') throw new Error('the directory was held without its inventory')
  const { instance, times } = settings
  const lockID = randomUUID()
  const { advertised } = options
  const name = `${process.env.NOMAD_ALLOC_ID ?? hostname()}_${lockID.slice(0, 8)}`
  const identity = advertised === undefined ? name : `${name}@${advertised}`
  const shared =
    settings.place === 'kubernetes' && kubernetes !== undefined
      ? openObjects(settings, kubernetes, identity, clock)
      : openVariables(settings, nomad, { identity, lockID })

  /** What a NomadCluster has is always beside it, in objects of Kubernetes. */
  function storeOf(cluster: string | undefined): {
    store: RecordStore
    hashKey: () => Promise<Buffer | undefined>
  } {
    if (cluster === undefined) return shared
    if (kubernetes === undefined) throw new Error('there is no NomadCluster without Kubernetes')
    const { api, operatorNamespace: namespace } = kubernetes
    return {
      store: createConfigMapRecords({ api, namespace, instance: instanceOf(instance, cluster) }),
      hashKey: () => kubernetes.hashKey(instance),
    }
  }

  return {
    replica: { identity, lock: shared.lock, times },
    async open({ mayAct, giveUp }, cluster) {
      const { store, hashKey } = storeOf(cluster)
      const guarded = readOnly ? withoutWrites(store) : guardEffects(store, mayAct)
      return openStoredInventory(guarded, giveUp, await hashKey())
    },
    close: shared.close,
  }
}

function openObjects(
  { instance, times }: SharedSettings,
  { api, operatorNamespace: namespace, hashKey }: Kubernetes,
  identity: string,
  clock: Clock,
) {
  const leaseDurationSeconds = Math.max(1, Math.round(times.leaseMs / 1000))
  return {
    lock: createLeaseLock({
      api,
      namespace,
      name: `mooring-${instance}`,
      identity,
      leaseDurationSeconds,
      clock,
    }),
    store: createConfigMapRecords({ api, namespace, instance }),
    hashKey: () => hashKey(instance),
    close: async () => {},
  }
}

function openVariables(
  { instance, times }: SharedSettings,
  nomad: NomadConnection,
  replica: { readonly identity: string; readonly lockID: string },
) {
  const { variablesNamespace: namespace = defaultVariablesNamespace } = nomad
  const client = connectNomad(nomad)
  const prefix = `mooring/${instance}/`
  const lockName = 'leader'
  const address = { namespace, path: `${prefix}${lockName}` }
  return {
    lock: createVariableLock(client, { ...replica, address, leaseMs: times.leaseMs }),
    store: createVariableStore(client, { namespace, prefix, exclude: [lockName] }),
    // The store keeps it.
    hashKey: async () => undefined,
    close: () => client.close(),
  }
}

/** Something that a label and a name can hold, whatever the cluster's name is. */
function instanceOf(instance: string, cluster: string): string {
  return `${instance}-${createHash('sha256').update(cluster).digest('hex').slice(0, 10)}`
}

function withoutWrites(store: RecordStore): RecordStore {
  return { ...store, write: async () => 'not written', remove: async () => {} }
}
