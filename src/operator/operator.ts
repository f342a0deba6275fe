import process from 'node:process'
import { systemClock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { packageVersion } from '../lib/version.ts'
import type { NomadConnection } from '../nomad/connection.ts'
import type { VolumesApi } from '../nomad/ports.ts'
import type { Admin, OperatorInfo } from './admin/admin.ts'
import { createAskOutside } from './ask-outside.ts'
import { type Operator, startOperator } from './control-loop.ts'
import { createMemoryInventory, type KeptInventory } from './inventory/memory-inventory.ts'
import { kubernetesSourceName } from './kubernetes/object-view.ts'
import type { KubernetesPart } from './kubernetes.ts'
import { openParts } from './open-parts.ts'
import { sourceName } from './open-sources.ts'
import { createOperatorAdmin } from './operator-admin.ts'
import { createTakeOrder } from './orders/take-order.ts'
import type { Decision } from './plan/decision.ts'
import type { Key } from './plan/identity.ts'
import { guardEffects } from './replicas/guard-effects.ts'
import { defaultRegion, type OperatorFlags, operatorDirectory, pruneOptionsOf } from './settings.ts'
import type { Operations } from './telemetry.ts'

/**
 * How long after it was sent a call may still be running in Nomad: the client waits 150 s for the answer,
 * and a call that stood in a queue until then has the plugin's two minutes before it (reference, 2).
 */
const callDeadlineMs = 270_000

export interface RunFlags extends OperatorFlags, NomadConnection {
  readonly source: readonly string[]
  readonly dataDir: string
  readonly readOnly: boolean
  readonly kubernetes?: boolean
  /** Of a NomadCluster: a part of the names that are chosen, as regions of two clusters may have the same name. */
  readonly cluster?: string
}

/** An operator with the API that commands reach it by. */
export interface RunningOperator extends Operator {
  readonly admin: Admin
}

export type OperatorSettings = RunFlags & { readonly log: Log; readonly settledBeforeMs: number }

/** Of one among replicas: what it acts by, while `mayAct()`. */
export interface OperatorTerm {
  readonly holder: string
  readonly mayAct: () => boolean
}

/** As people see them. */
export function sourceNames({ source, kubernetes }: Pick<RunFlags, 'source' | 'kubernetes'>): string[] {
  return [...source.map(sourceName), ...(kubernetes === true ? [kubernetesSourceName] : [])]
}

/** What an operator reports of itself. */
export function operatorInfo(flags: RunFlags): OperatorInfo {
  const { nomadAddr, nomadRegion, readOnly } = flags
  return {
    version: packageVersion(),
    processID: process.pid,
    sources: sourceNames(flags),
    nomadAddr,
    ...(nomadRegion === undefined ? {} : { nomadRegion }),
    readOnly,
  }
}

/** Tells of each step that would be taken, once as long as it stays the same. */
function createPlanLog(log: Log): (key: Key, decision: Decision) => void {
  const told = new Map<Key, string>()
  return (key, { step, verdict }) => {
    if (told.get(key) === verdict.message) return
    told.set(key, verdict.message)
    log.info({ key, step, why: verdict.message }, 'would take a step')
  }
}

/**
 * Composes the operator from its flags over an inventory, which stays open when it is closed.
 * @param term among replicas: what this one acts by, while `mayAct()`
 * @param kubernetes where objects are a source too
 * @param operations what measures it and tells of it
 */
export async function composeOperator(
  options: OperatorSettings,
  kept: KeptInventory,
  term?: OperatorTerm,
  kubernetes?: KubernetesPart,
  operations?: Operations,
): Promise<RunningOperator & { readonly letGo: () => void }> {
  const { log, readOnly, nomadRegion } = options
  const clock = systemClock
  const inventory = readOnly ? createMemoryInventory(kept.contents(), kept.keyedHash) : kept
  const observed = operations?.begin(inventory, options.cluster)
  const {
    client,
    close: closeParts,
    ...parts
  } = await openParts({
    ...options,
    directory: operatorDirectory(options.dataDir),
    keyedHash: inventory.keyedHash,
    ...(kubernetes === undefined ? {} : { readSecret: kubernetes.readSecret }),
    ...(observed === undefined
      ? {}
      : {
          aroundCall: observed.hooks.aroundCall,
          aroundPluginCall: observed.hooks.aroundPluginCall,
        }),
  })
  const region = [options.cluster ?? [], nomadRegion ?? defaultRegion].flat().join('/')
  const takeOrder = createTakeOrder({
    inventory,
    declarations: () => operator.desired.declarations(),
    clock,
    region,
    ask: createAskOutside(client),
    look: (key) => operator.look(key),
  })
  const operator: Operator = startOperator({
    ...parts,
    ...observed?.hooks,
    ...(kubernetes === undefined ? {} : { sources: [...parts.sources, kubernetes.source] }),
    // Who writes nothing leaves objects alone too.
    ...(kubernetes === undefined || readOnly
      ? {}
      : { keeper: (access) => kubernetes.keeper({ ...access, inventory, takeOrder }) }),
    api: term === undefined ? client : guardEffects<VolumesApi>(client, term.mayAct),
    inventory,
    clock,
    random: Math.random,
    log,
    region,
    prune: pruneOptionsOf(options),
    rescanMs: options.rescan,
    resyncMs: options.resync,
    callDeadlineMs,
    settledBeforeMs: options.settledBeforeMs,
    ...(term === undefined ? {} : { holder: term.holder }),
    ...(readOnly ? { onPlanned: createPlanLog(log) } : {}),
  })
  const admin = createOperatorAdmin({
    operator,
    inventory,
    hashKey: kept.hashKey,
    client,
    clock,
    info: operatorInfo(options),
    takeOrder,
  })
  observed?.observe(operator, admin.orphans)
  return {
    ...operator,
    admin,
    letGo: admin.close,
    async close(graceMs) {
      admin.close()
      observed?.end()
      await operator.close(graceMs)
      await kubernetes?.source.close()
      kubernetes?.close()
      await closeParts()
    },
  }
}
