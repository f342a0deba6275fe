import { join } from 'node:path'
import { delay, systemClock } from '../lib/clock.ts'
import { errorMessage, UsageError } from '../lib/errors.ts'
import { openDatabase } from '../lib/sqlite.ts'
import type { Admin } from './admin/admin.ts'
import { mergeStatus } from './admin/merge-status.ts'
import { serveAdmin } from './admin/serve-admin.ts'
import { hasSqliteInventory } from './inventory/sqlite-inventory.ts'
import { openStoredInventory } from './inventory/stored-inventory.ts'
import { openKubernetes } from './kubernetes.ts'
import { type NomadClusters, startNomadClusters } from './nomad-clusters.ts'
import { composeOperator, type OperatorSettings, operatorInfo, type RunningOperator } from './operator.ts'
import { guardEffects } from './replicas/guard-effects.ts'
import { campaign, type Leadership } from './replicas/leadership.ts'
import { type KubernetesFlags, operatorDirectory, type SharedStateFlags } from './settings.ts'
import { inventoryPlace, leadershipTimesOf, openSharedState, type SharedState } from './shared-state.ts'
import { startOperations } from './telemetry.ts'

export interface Replica {
  /** Answers by the operator while this replica leads; else says who does. */
  readonly admin: Admin
  /** Finishes what is in process, starts nothing new, and lets another replica lead. */
  close(): Promise<void>
}

/**
 * One of several operators that share an inventory, of which one at a time leads: it campaigns, loads the
 * inventory, works until the leadership is lost or the process ends, and campaigns again. Nothing of a term
 * outlives it, so that a lost leadership needs no new process.
 * @throws UsageError for flags that go not together, and a data directory that is in use
 */
export async function runReplica(
  options: OperatorSettings & SharedStateFlags & KubernetesFlags,
): Promise<Replica> {
  const { log, readOnly } = options
  const clock = systemClock
  const times = leadershipTimesOf(options)
  const directory = operatorDirectory(options.dataDir)
  const heldDirectory = holdDirectory(directory, options)
  const kubernetes = options.kubernetes ? await openKubernetes(options, log) : undefined
  const shared = openSharedState(options, kubernetes)
  const operations = await startOperations(options, { clock, log, isReplica: true })
  const stop = new AbortController()
  let operator: RunningOperator | undefined
  let clusters: NomadClusters | undefined
  const clusterAdmins = () => clusters?.admins() ?? new Map()

  const admin = createReplicaAdmin({
    current: () => operator && { ...operator.admin, status: mergeStatus(operator.admin, clusterAdmins) },
    leader: () => shared.lock.holder(),
    async info() {
      const leader = shared.lock.holder()
      const leads = operator !== undefined && !readOnly
      const replica = { identity: shared.identity, leads, ...(leader === undefined ? {} : { leader }) }
      return { ...operatorInfo(options), replica }
    },
  })
  const socket = await serveAdmin({ directory, admin, clusters: clusterAdmins, log })

  const termOf = ({ isHeld, giveUp }: Leadership) => ({ holder: shared.identity, mayAct: isHeld, giveUp })

  /** @param ended aborts where the term is over, whoever wanted it */
  async function work(store: SharedState['store'], leadership?: Leadership): Promise<void> {
    const inventory = await openStoredInventory(
      store,
      (why) => leadership?.giveUp(why),
      await shared.hashKey(),
    )
    operator = await composeOperator(
      options,
      inventory,
      leadership && termOf(leadership),
      kubernetes?.part(undefined, leadership?.isHeld ?? (() => false)),
      operations,
    )
    clusters =
      kubernetes && leadership && startNomadClusters(kubernetes, options, termOf(leadership), operations)
    try {
      await aborted(leadership === undefined ? [stop.signal] : [stop.signal, leadership.signal])
    } finally {
      const ending = [operator, clusters]
      operator = undefined
      clusters = undefined
      const graceMs = leadership?.isHeld() === false ? 0 : undefined
      await Promise.all(ending.map((each) => each?.close(graceMs)))
    }
  }

  async function lead(leadership: Leadership): Promise<void> {
    leadership.signal.addEventListener('abort', () => {
      if (!stop.signal.aborted) log.warn({ why: errorMessage(leadership.signal.reason) }, 'leads no more')
    })
    log.info({ identity: shared.identity }, 'leads')
    try {
      await work(guardEffects(shared.store, leadership.isHeld), leadership)
    } finally {
      await leadership.release()
    }
  }

  async function takePart(): Promise<void> {
    if (readOnly) return work(withoutWrites(shared.store))
    const leadership = await campaign({
      lock: shared.lock,
      times,
      clock,
      random: Math.random,
      signal: stop.signal,
      onError: (error) => log.warn({ error: errorMessage(error) }, 'the leader lock does not answer'),
    })
    // The last attempt was cut short, and may have been granted.
    if (leadership === undefined) await shared.lock.release()
    else await lead(leadership)
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await takePart()
      } catch (error) {
        log.error({ error: errorMessage(error) }, 'the term of this replica ended')
      }
      // Another replica may do better.
      await delay(clock, times.retryMs, stop.signal)
    }
  }
  const running = run()

  return {
    admin,
    async close() {
      stop.abort()
      await running
      await socket.close()
      await operations.close()
      await shared.close()
      await kubernetes?.close()
      heldDirectory.close()
    },
  }
}

/** Keeps other operators off the directory, as the inventory does where it is a file in it. */
function holdDirectory(directory: string, options: OperatorSettings & SharedStateFlags & KubernetesFlags) {
  const { dataDir } = options
  if (hasSqliteInventory(directory)) {
    throw new UsageError(
      `${dataDir} holds the inventory of an operator that ran with --inventory file, of which --inventory ${inventoryPlace(options)} would know nothing: give another --data-dir to begin anew`,
    )
  }
  return openDatabase({
    path: join(directory, 'lock.sqlite'),
    what: "the operator's directory",
    migrations: [],
  })
}

/** For `--read-only`, which leads nothing: writes go nowhere. */
function withoutWrites(store: SharedState['store']): SharedState['store'] {
  return { ...store, write: async () => 'not written', remove: async () => {} }
}

/** Resolves when the first of them aborts. */
function aborted(signals: readonly AbortSignal[]): Promise<void> {
  const any = AbortSignal.any([...signals])
  return new Promise((resolve) => {
    if (any.aborted) resolve()
    any.addEventListener('abort', () => resolve())
  })
}

function createReplicaAdmin(options: {
  readonly current: () => Admin | undefined
  readonly leader: () => string | undefined
  readonly info: Admin['info']
}): Admin {
  const leading = async (): Promise<Admin> => {
    const admin = options.current()
    if (admin !== undefined) return admin
    const leader = options.leader()
    throw new UsageError(
      leader === undefined
        ? 'this replica stands by, and none was seen to lead yet: ask again'
        : `this replica stands by while ${leader} leads: ask there`,
    )
  }
  return {
    info: options.info,
    status: async (after) => (await leading()).status(after),
    objects: async () => (await leading()).objects(),
    inventory: async () => (await leading()).inventory(),
    hashKey: async () => (await leading()).hashKey(),
    orphans: async () => (await leading()).orphans(),
    order: async (order) => (await leading()).order(order),
    reconcile: async () => (await leading()).reconcile(),
  }
}
