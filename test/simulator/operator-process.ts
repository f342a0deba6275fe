import { createHash } from 'node:crypto'
import type { Clock } from '../../src/lib/clock.ts'
import type { Log } from '../../src/lib/log.ts'
import { createObserver } from '../../src/nomad/observer.ts'
import type { VolumesApi } from '../../src/nomad/ports.ts'
import { createAskOutside } from '../../src/operator/ask-outside.ts'
import { type ControlLoop, startControlLoop } from '../../src/operator/control-loop.ts'
import type { LastingInventory } from '../../src/operator/inventory/memory-inventory.ts'
import { openStoredInventory } from '../../src/operator/inventory/stored-inventory.ts'
import { createTakeOrder, type TakeOrder } from '../../src/operator/orders/take-order.ts'
import { guardEffects } from '../../src/operator/replicas/guard-effects.ts'
import { createLeaseLock } from '../../src/operator/replicas/lease-lock.ts'
import { startOnlyTerm, startTerms, type Term } from '../../src/operator/replicas/terms.ts'
import { createSecretResolver } from '../../src/operator/secrets/resolve-secrets.ts'
import { createSpecificationSecrets } from '../../src/operator/secrets/specification-secrets.ts'
import { createFileSource } from '../../src/operator/sources/files.ts'
import { parseOnce } from './parse-once.ts'
import type { Owner } from './scheduler.ts'
import { rootPath } from './world/folder.ts'
import { createSimulatedLeases, type StoredLease } from './world/leases.ts'
import { createSimulatedClient, createSimulatedPlugins, type Outside } from './world/nomad-client.ts'
import { createLocalRecordStore, createSimulatedRecordStore, type StoredTexts } from './world/stored-texts.ts'

/** How the operators of all histories are set. */
export const settings = {
  prune: { prune: true, pruneDelayMs: 60_000, maxPrune: 100, allowEmpty: true },
  rescanMs: 120_000,
  resyncMs: 300_000,
} as const

/** Longer than the defaults in the same proportion, because each renewal costs a history some time. */
const leadershipTimes = { leaseMs: 90_000, renewDeadlineMs: 60_000, retryMs: 30_000 }

/** What a secret's value would look like, wherever it appeared. */
export const secretValue = 'TOP-SECRET-b7f3'

const hashKey = createHash('sha256').update('the same in every history').digest()

const knownHashes = new Map<string, string>()

/** Histories hash the same texts again and again, under the same key. */
function withKnownHashes(inventory: LastingInventory): LastingInventory {
  return {
    ...inventory,
    keyedHash(text) {
      const hash = knownHashes.get(text) ?? inventory.keyedHash(text)
      if (knownHashes.size > 10_000) knownHashes.clear()
      knownHashes.set(text, hash)
      return hash
    },
  }
}

/** Where a process runs, since its last boot. */
export interface Machine {
  readonly boot: string
  readonly bootedAtMs: number
}

export interface OperatorProcess {
  readonly owner: Owner
  /** What its running term works with; undefined: it has not begun to work. */
  working():
    | { readonly inventory: LastingInventory; readonly loop: ControlLoop; readonly takeOrder: TakeOrder }
    | undefined
}

/** One process of Mooring: its real parts from the control loop down, over simulated ports. */
export function startOperatorProcess(options: {
  readonly name: string
  readonly outside: Outside
  readonly stored: StoredTexts
  /** Of two replicas; undefined: this process is alone. */
  readonly lease: StoredLease | undefined
  readonly machine: Machine
  readonly wallMs: () => number
  readonly random: () => number
  readonly isPluginReached: boolean
  readonly log: Log
  /** Told of each text that becomes durable. */
  readonly onStored: (name: string, text: string) => void
}): OperatorProcess {
  const { outside, stored, random, log } = options
  const { scheduler, network } = outside
  const owner: Owner = { name: options.name, isAlive: true }
  const { machine } = options
  const monotonicMs = () => scheduler.nowMs - machine.bootedAtMs
  const clock: Clock = {
    now: options.wallMs,
    monotonicMs,
    uptimeMs: monotonicMs,
    boot: machine.boot,
    started: { dateMs: options.wallMs(), uptimeMs: monotonicMs() },
    after: (delayMs, callback) => scheduler.after(owner, delayMs, 'timer', callback),
  }
  let working: ReturnType<OperatorProcess['working']>

  async function begin(term: Term) {
    const store =
      options.lease === undefined
        ? createLocalRecordStore(owner, outside, stored, options.onStored)
        : createSimulatedRecordStore(owner, network, stored, options.onStored)
    const inventory = withKnownHashes(
      await openStoredInventory(guardEffects(store, term.mayAct), term.giveUp, hashKey),
    )
    const client = createSimulatedClient(owner, outside)
    const observer = createObserver({ client, clock, random, log, pollMs: 240_000 })
    const specificationSecrets = createSpecificationSecrets(inventory.keyedHash)
    const loop: ControlLoop = startControlLoop({
      ...settings,
      observer,
      plugins: createSimulatedPlugins(owner, outside, options.isPluginReached),
      secrets: createSecretResolver({
        environment: { MOORING_SECRET_TOKEN: secretValue },
        specificationSecrets,
        readVariable: async () => undefined,
      }),
      sources: [createFileSource({ path: rootPath, clock, log, parse: parseOnce })],
      api: guardEffects<VolumesApi>(client, term.mayAct),
      inventory,
      region: 'global',
      callsEndedBeforeMs: undefined,
      ...(term.holder === undefined ? {} : { holder: term.holder }),
      onStatus() {},
      aroundPass: (_subject, run) => run(),
      aroundStep: (_subject, run) => run(),
      clock,
      random,
      log,
    })
    const takeOrder = createTakeOrder({
      inventory,
      declarations: () => loop.desired.declarations(),
      region: 'global',
      ask: createAskOutside(client),
      look: loop.look,
      clock,
    })
    working = { inventory, loop, takeOrder }
    return {
      async close() {
        working = undefined
        await loop.close(term.mayAct() ? undefined : 0)
        await observer.close()
      },
    }
  }

  scheduler.after(owner, 0, `${owner.name} starts`, () => {
    if (options.lease === undefined) return void startOnlyTerm(begin)
    const { leaseMs } = leadershipTimes
    startTerms({
      replica: {
        identity: owner.name,
        lock: createLeaseLock({
          api: createSimulatedLeases(owner, network, options.lease),
          namespace: 'mooring',
          name: 'mooring',
          identity: owner.name,
          leaseDurationSeconds: leaseMs / 1000,
          clock,
        }),
        times: leadershipTimes,
      },
      readOnly: false,
      clock,
      random,
      log,
      begin,
    })
  })
  return { owner, working: () => working }
}
