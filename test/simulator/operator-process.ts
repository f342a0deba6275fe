import type { Clock } from '../../src/lib/clock.ts'
import type { Log } from '../../src/lib/log.ts'
import { createObserver } from '../../src/nomad/observer.ts'
import type { VolumesApi } from '../../src/nomad/ports.ts'
import { createAskOutside } from '../../src/operator/ask-outside.ts'
import { type ControlLoop, startControlLoop } from '../../src/operator/control-loop.ts'
import type { LastingInventory } from '../../src/operator/inventory/memory-inventory.ts'
import { createTakeOrder, type TakeOrder } from '../../src/operator/orders/take-order.ts'
import { guardEffects } from '../../src/operator/replicas/guard-effects.ts'
import { startOnlyTerm, startTerms, type Term } from '../../src/operator/replicas/terms.ts'
import { createSecretResolver } from '../../src/operator/secrets/resolve-secrets.ts'
import { createSpecificationSecrets } from '../../src/operator/secrets/specification-secrets.ts'
import { leaseMs, type OpenPlace, type Place } from './place.ts'
import type { Owner } from './scheduler.ts'
import { createSimulatedClient, createSimulatedPlugins, type Outside } from './world/nomad-client.ts'

/** How the operators of all histories are set. */
export const settings = {
  prune: { prune: true, pruneDelayMs: 60_000, maxPrune: 100, allowEmpty: true },
  rescanMs: 120_000,
  resyncMs: 300_000,
} as const

/** Longer than the defaults in the same proportion, because each renewal costs a history some time. */
const leadershipTimes = { leaseMs, renewDeadlineMs: 60_000, retryMs: 30_000 }

/** A prime number: the interruptions are elsewhere each time. */
const slicesInARow = 7

/** What a secret's value would look like, wherever it appeared. */
export const secretValue = 'TOP-SECRET-b7f3'

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
  readonly openPlace: OpenPlace
  readonly machine: Machine
  readonly wallMs: () => number
  readonly random: () => number
  readonly isPluginReached: boolean
  readonly log: Log
}): OperatorProcess {
  const { outside, random, log } = options
  const { scheduler } = outside
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
  let slices = 0
  // Long work is interrupted now and then, so that passes go on in the middle of it.
  const breathe = () => {
    slices += 1
    return slices % slicesInARow === 0
      ? new Promise<void>((resolve) => scheduler.after(owner, 0, 'next slice', resolve))
      : undefined
  }

  async function begin(place: Place, term: Term) {
    const inventory = await place.openInventory(term)
    const declarations = place.openDeclarations(term)
    const client = createSimulatedClient(owner, outside)
    const observer = createObserver({ client, clock, random, log, pollMs: 240_000 })
    const specificationSecrets = createSpecificationSecrets(inventory.keyedHash)
    const takeOrder = createTakeOrder({
      inventory,
      declarations: () => loop.desired.declarations(),
      region: 'global',
      ask: createAskOutside(client),
      look: (key) => loop.look(key),
      clock,
    })
    const { readSecret, sync } = declarations
    const loop: ControlLoop = startControlLoop({
      ...settings,
      observer,
      plugins: createSimulatedPlugins(owner, outside, options.isPluginReached),
      secrets: createSecretResolver({
        environment: { MOORING_SECRET_TOKEN: secretValue },
        specificationSecrets,
        ...(readSecret === undefined ? {} : { readSecret }),
        readVariable: async () => undefined,
      }),
      sources: [declarations.source],
      api: guardEffects<VolumesApi>(client, term.mayAct),
      inventory,
      region: 'global',
      callsEndedBeforeMs: undefined,
      ...(term.holder === undefined ? {} : { holder: term.holder }),
      onStatus() {},
      aroundPass: (_subject, run) => run(),
      aroundStep: (_subject, run) => run(),
      createBreather: () => () => breathe(),
      ...(sync === undefined ? {} : { syncObjects: (access) => sync({ ...access, inventory, takeOrder }) }),
      clock,
      random,
      log,
    })
    working = { inventory, loop, takeOrder }
    return {
      async close() {
        working = undefined
        await loop.close(term.mayAct() ? undefined : 0)
        await observer.close()
        await declarations.close()
      },
    }
  }

  async function start() {
    const place = await options.openPlace({ owner, clock, random, log })
    const { lock } = place
    if (lock === undefined) {
      await startOnlyTerm((term) => begin(place, term))
      return
    }
    startTerms({
      replica: { identity: owner.name, lock, times: leadershipTimes },
      readOnly: false,
      clock,
      random,
      log,
      begin: (term) => begin(place, term),
    })
  }

  scheduler.after(owner, 0, `${owner.name} starts`, () => void start())
  return { owner, working: () => working }
}
