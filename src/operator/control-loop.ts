import type { DirectPlugins } from '../csi/direct-plugins.ts'
import { type Around, nest } from '../lib/around.ts'
import { createBreather } from '../lib/breather.ts'
import { type Clock, every } from '../lib/clock.ts'
import { errorMessage } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { createReadingLoop } from '../lib/reading-loop.ts'
import { forEachInSlices, runInSlices, type Slices } from '../lib/slices.ts'
import type { NomadObserver, ObservedChange } from '../nomad/observer.ts'
import type { VolumesApi } from '../nomad/ports.ts'
import { type Row, rowOfDeclaration, rowOfProblem, rowOfRecord, rowOfRefusal } from './admin/row.ts'
import type { AllowedIDs } from './declare/allowed-ids.ts'
import type { Declaration, Problem } from './declare/declaration.ts'
import { createDesired, type Desired } from './desired/desired.ts'
import {
  type Controller,
  type ControllerOptions,
  createController,
  type PassSubject,
} from './engine/controller.ts'
import type { Decision } from './plan/decision.ts'
import { type Key, volumeKey } from './plan/identity.ts'
import type { Inventory, SecretResolver } from './plan/ports.ts'
import { externalToken, type InventoryRecord } from './plan/record.ts'
import type { ReconcileContext, StepSubject } from './reconcile/context.ts'
import { createReconcile } from './reconcile/reconcile.ts'
import { createSecretWatch } from './reconcile/watch-secrets.ts'
import type { LoopSettings } from './settings.ts'
import { createCommonReader, type SourceState } from './sources/read-together.ts'
import type { Source } from './sources/source.ts'
import { createProblemLog } from './telemetry/problem-log.ts'

/** How long passes in process may go on after a shutdown was asked for. */
const drainGraceMs = 10_000

/** Until the next reading, where its time has passed already. */
const pastMs = 1_000

export interface ControlLoopOptions extends LoopSettings {
  readonly sources: readonly Source[]
  readonly api: VolumesApi
  readonly observer: NomadObserver
  readonly plugins: DirectPlugins
  readonly inventory: Inventory
  readonly secrets: SecretResolver
  readonly clock: Clock
  /** Uniform in [0, 1), for jitter. */
  readonly random: () => number
  readonly log: Log
  /** A part of the names that are chosen. */
  readonly region: string
  readonly allowedIDs?: AllowedIDs
  /** Calls sent before this monotonic time have ended; undefined: none is known to have. */
  readonly callsEndedBeforeMs: number | undefined
  /** Of this process among replicas; undefined: it is alone. Each intent names it. */
  readonly holder?: string
  /** Set: passes take no step, and tell of each step that they would take. */
  readonly onPlanned?: (key: Key, decision: Decision) => void
  /** Told of each change of a status. */
  readonly onStatus: (key: Key) => void
  readonly aroundPass: NonNullable<ControllerOptions['aroundPass']>
  readonly aroundStep: NonNullable<ReconcileContext['aroundStep']>
  /** Long work asks it between its slices: see runInSlices. Default: real turns of the event loop. */
  readonly createBreather?: typeof createBreather
  /** Set where objects declare something: writes to them what becomes of them. */
  readonly syncObjects?: (operator: {
    readonly declared: Desired
    readonly wake: (key: Key) => void
  }) => ObjectSync
}

/** Goes around passes and their steps, and follows each reading of the sources. */
export interface ObjectSync {
  readonly aroundPass: Around<Pick<PassSubject, 'key'>>
  readonly aroundStep: Around<StepSubject>
  /** Never rejects. */
  afterReading(): Promise<void>
}

/** What may have changed. */
export interface LoopChange {
  /** Declarations and managed identities. */
  readonly keys: readonly Key[]
  /** The sources were read. */
  readonly isReading: boolean
}

export interface ControlLoop {
  /** One row for each declaration and ending identity in the order of their names, then one for each problem. */
  rows(): Row[]
  /** Called when rows may have changed. @returns unsubscribes */
  onChange(listener: (change: LoopChange) => void): () => void
  readonly desired: Desired
  readonly queue: Controller['counters']
  /** Mistakes in the sources, and what in them has no effect, by the latest reading. */
  problems(): readonly Problem[]
  warnings(): readonly Problem[]
  /** In the order of the sources. */
  sources(): readonly SourceState[]
  /** Reads the sources soon. */
  readSoon(): void
  /** Looks at the identity soon. */
  look(key: Key): void
  /** Reads the sources and looks at everything now. Resolves when nothing is left to do at once. */
  settle(): Promise<void>
  /**
   * Finishes what is in process and starts nothing new.
   * @param graceMs after which what is still in process is cut short; default 10 s
   */
  close(graceMs?: number): Promise<void>
}

/** Ties sources, queue and passes together: whatever changes anywhere becomes a key in the queue. */
export function startControlLoop(options: ControlLoopOptions): ControlLoop {
  const { sources, observer, inventory, clock, log } = options
  const newBreather = options.createBreather ?? createBreather
  const listeners = new Set<(change: LoopChange) => void>()
  const desired = createDesired({ ...options, createBreather: newBreather })
  const inSlices = <Result>(work: Slices<Result>) => runInSlices(work, newBreather())
  const reader = createCommonReader(sources)
  const problemLog = createProblemLog(log)
  const wake = (key: Key) => controller.add(key)
  const lookAtSecrets = createSecretWatch({ ...options, onChange: wake })
  let problems: readonly Problem[] = []
  let warnings: readonly Problem[] = []
  /** Identities whose end is being carried out. */
  const ending = new Set<Key>()
  let isFirst = true

  const objects = options.syncObjects?.({ declared: desired, wake })
  const controller = createController({
    aroundPass: nest(options.aroundPass, objects?.aroundPass),
    reconcile: createReconcile({
      ...options,
      aroundStep: nest(options.aroundStep, objects?.aroundStep),
      desired,
      wake,
      onStatus,
    }),
    groupOf: (key) => pluginOf(inventory.get(key), desired.declaration(key)),
    log,
    clock,
    random: options.random,
  })

  function tellListeners(change: LoopChange) {
    for (const listener of listeners) listener(change)
  }

  /** Wakes whatever may go on now that the status of an identity changed. */
  function onStatus(key: Key) {
    for (const dependent of desired.dependents(key)) wake(dependent)
    const record = inventory.get(key)
    if (record === undefined) wakeEnding()
    if (record?.kind === 'Snapshot' && record.schedule) wake(record.schedule.schedule)
    options.onStatus(key)
    tellListeners({ keys: [key], isReading: false })
  }

  function wakeEnding() {
    for (const key of ending) if (inventory.get(key) !== undefined) wake(key)
  }

  /** Looks at all that is declared or managed. What a schedule made is in the inventory alone. */
  async function lookAtAll(): Promise<void> {
    const keys = new Set([...desired.declarations().keys(), ...inventory.list().map(({ key }) => key)])
    await inSlices(forEachInSlices(keys, (key) => controller.add(key, { priority: 'resync' })))
  }

  function onObserved(change: ObservedChange) {
    if (change.type === 'volume') {
      const key = volumeKey(change.namespace, change.volumeID)
      if (desired.declaration(key) !== undefined || inventory.get(key) !== undefined) wake(key)
      return
    }
    if (change.type === 'host volume') {
      const key = `HostVolume/${change.namespace}/${change.name}`
      if (desired.declaration(key) !== undefined || inventory.get(key) !== undefined) wake(key)
      return
    }
    if (change.type === 'external volume') {
      for (const { key, status } of inventory.find(
        'external',
        externalToken(change.pluginID, change.externalID),
      )) {
        const isReady = status.conditions.some((each) => each.type === 'Ready' && each.status === 'True')
        // A volume that was just created is new in the list, and nothing else is.
        if (isReady !== change.isWell) wake(key)
      }
      return
    }
    for (const { key } of inventory.find('plugin', change.pluginID))
      if (desired.declaration(key) !== undefined) controller.add(key, { priority: 'resync' })
    wakeEnding()
  }

  /** @returns after how many milliseconds to read again */
  async function readSources(signal?: AbortSignal): Promise<number> {
    const { declarations, reading, ends, recorded, ...found } = await reader.read(signal)
    const update = await desired.update(declarations, reading, ends)
    await recorded()
    problems = found.problems
    warnings = found.warnings
    problemLog.update(problems, desired.refusals(), found.warnings)
    for (const key of update.changed) {
      if (desired.absence(key)?.state === 'ending') ending.add(key)
      else ending.delete(key)
    }
    await inSlices(forEachInSlices(update.changed, wake))
    // After what changed while no process ran.
    if (isFirst) void lookAtAll()
    isFirst = false
    await objects?.afterReading()
    tellListeners({ keys: update.changed, isReading: true })
    void lookAtSecrets(desired.declarations())
    const { readAgainAtMs = Number.POSITIVE_INFINITY } = update
    const againAfterMs = readAgainAtMs - clock.monotonicMs()
    // Where it has passed already, a source is waited for that follows a schedule of its own.
    return Math.min(againAfterMs > 0 ? againAfterMs : pastMs, options.rescanMs)
  }

  const reading = createReadingLoop({
    clock,
    read: readSources,
    onError: (error) => log.error({ error: errorMessage(error) }, 'reading the sources failed'),
  })
  const stops = [
    observer.onChange(onObserved),
    ...sources.map((source) => source.onChange(() => reading.read())),
    every(clock, options.resyncMs, () => void lookAtAll()),
  ]
  reading.read()

  return {
    rows() {
      const unseen = [...desired.declarations()].filter(([key]) => inventory.get(key) === undefined)
      const managed = [
        ...inventory.list().map(rowOfRecord),
        ...unseen.map(([, declaration]) => rowOfDeclaration(declaration)),
        ...desired.refusals().map(rowOfRefusal),
      ]
      const byName = (one: Row, other: Row) =>
        `${one.kind} ${one.name}` < `${other.kind} ${other.name}` ? -1 : 1
      return [...managed.sort(byName), ...problems.map(rowOfProblem)]
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    desired,
    queue: controller.counters,
    problems: () => problems,
    warnings: () => warnings,
    sources: reader.states,
    readSoon: () => reading.read(),
    look: wake,
    async settle() {
      await readSources()
      await lookAtAll()
      await controller.whenIdle()
    },
    async close(graceMs = drainGraceMs) {
      for (const stop of stops) stop()
      await reading.close()
      // A pass that hangs in a read hears no signal. It ends with the observer.
      const cancel = clock.after(graceMs, () => observer.close())
      await controller.drain(graceMs)
      cancel()
    },
  }
}

/** Whose slots a key takes. A snapshot's plugin is its volume's; until that is known it has slots of its own. */
function pluginOf(record: InventoryRecord | undefined, declaration: Declaration | undefined): string {
  if (record?.kind === 'Snapshot') return record.pluginID ?? ''
  const volume = declaration ?? record?.declaration
  return volume?.kind === 'Volume' ? volume.spec.pluginID : ''
}
