import type { DirectPlugins } from '../csi/direct-plugins.ts'
import { type Around, nest } from '../lib/around.ts'
import type { Clock } from '../lib/clock.ts'
import { errorMessage } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { createReadingLoop } from '../lib/reading-loop.ts'
import type { NomadObserver } from '../nomad/observer.ts'
import type { VolumesApi } from '../nomad/ports.ts'
import { type Row, rowOfDeclaration, rowOfProblem, rowOfRecord, rowOfRefusal } from './admin/row.ts'
import type { Declaration, Problem } from './declare/declaration.ts'
import { planDependents } from './desired/dependents.ts'
import { createDesired, type Desired } from './desired/desired.ts'
import type { PruneOptions } from './desired/prune.ts'
import {
  type Controller,
  type ControllerOptions,
  createController,
  type PassSubject,
} from './engine/controller.ts'
import type { Decision } from './plan/decision.ts'
import { type Key, volumeKey } from './plan/identity.ts'
import type { Inventory, SecretResolver } from './plan/ports.ts'
import type { InventoryRecord } from './plan/record.ts'
import type { ReconcileContext, StepSubject } from './reconcile/context.ts'
import { createReconcile } from './reconcile/reconcile.ts'
import { createSecretWatch } from './reconcile/watch-secrets.ts'
import type { Source, SourceContent } from './sources/source.ts'
import { createProblemLog } from './telemetry/problem-log.ts'

/** How long passes in process may go on after a shutdown was asked for. */
const drainGraceMs = 10_000

/** Until the next reading, where its time is past already. */
const pastMs = 1_000

export interface OperatorOptions {
  readonly sources: readonly Source[]
  readonly api: VolumesApi
  readonly observer: NomadObserver
  readonly plugins?: DirectPlugins
  readonly inventory: Inventory
  readonly secrets: SecretResolver
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  readonly region: string
  readonly prune: PruneOptions
  /** Sources are read again at least this often, whatever their watches say. */
  readonly rescanMs: number
  /** Every identity is looked at again at least this often. */
  readonly resyncMs: number
  readonly callDeadlineMs: number
  readonly settledBeforeMs: number
  /** Of this process among replicas; absent where there are none. Kept with each intent. */
  readonly holder?: string
  /** Set: nothing is acted upon; told of each step that would be taken. */
  readonly onPlanned?: (key: Key, decision: Decision) => void
  /** Told of each change of a status. */
  readonly onStatus?: (key: Key) => void
  readonly aroundPass?: NonNullable<ControllerOptions['aroundPass']>
  readonly aroundStep?: NonNullable<ReconcileContext['aroundStep']>
  /** Of declarations that are objects elsewhere: keeps those in step. */
  readonly keeper?: (operator: { readonly declared: Desired; readonly wake: (key: Key) => void }) => Keeper
}

/** Goes around passes and their steps, and follows each reading of the sources. */
export interface Keeper {
  readonly aroundPass: Around<Pick<PassSubject, 'key'>>
  readonly aroundStep: Around<StepSubject>
  /** Never rejects. */
  afterReading(): Promise<void>
}

export interface Operator {
  /** One row for each declaration and ending identity in order of their names, then one for each problem. */
  rows(): Row[]
  /** Called when rows may have changed. */
  onChange(listener: () => void): void
  readonly desired: Desired
  queue: Controller['counters']
  /** What each source held at its latest reading, and when it was last read in full. */
  sources(): SourceState[]
  /** Looks at the identity soon. */
  look(key: Key): void
  /** Reads the sources and looks at everything now; resolves when nothing is left to do at once. */
  settle(): Promise<void>
  /**
   * Finishes what is in process and starts nothing new.
   * @param graceMs after which what is still in process is cut short; default 10 s
   */
  close(graceMs?: number): Promise<void>
}

export interface SourceState {
  readonly name: string
  /** undefined: not read yet. */
  readonly content: SourceContent | undefined
  /** `readAtMs` of the latest complete reading. */
  readonly lastCompleteMs: number | undefined
}

/** Ties sources, queue and passes together: whatever changes anywhere becomes a key in the queue. */
export function startOperator(options: OperatorOptions): Operator {
  const { sources, observer, inventory, clock, log } = options
  const listeners: (() => void)[] = []
  const notify = () => {
    for (const listener of listeners) listener()
  }
  const desired = createDesired(options)
  const problemLog = createProblemLog(log)
  const lookAtSecrets = createSecretWatch({ ...options, onChange: (key) => controller.add(key) })
  let problems: readonly Problem[] = []
  let latest: readonly SourceContent[] = []
  const lastCompleteMs = new Map<Source, number>()
  let isFirst = true
  let dependents: ReadonlyMap<Key, readonly Key[]> = new Map()

  const keeper = options.keeper?.({ declared: desired, wake: (key) => controller.add(key) })
  const controller = createController({
    aroundPass: nest(options.aroundPass, keeper?.aroundPass),
    reconcile: createReconcile({
      ...options,
      aroundStep: nest(options.aroundStep, keeper?.aroundStep),
      desired,
      wake: (key) => controller.add(key),
      onStatus(key) {
        for (const dependent of dependents.get(key) ?? []) controller.add(dependent)
        const record = inventory.get(key)
        if (record === undefined) wakeEnding()
        if (record?.kind === 'Snapshot' && record.schedule) controller.add(record.schedule.schedule)
        options.onStatus?.(key)
        notify()
      },
    }),
    groupOf: (key) => pluginOf(inventory.get(key), desired.declaration(key)),
    log,
    clock,
    random: options.random,
  })

  /** Whatever is declared or managed: what a schedule made is in the inventory alone. */
  function lookAtAll() {
    const keys = new Set([...desired.declarations().keys(), ...inventory.list().map(({ key }) => key)])
    for (const key of keys) controller.add(key, { priority: 'resync' })
  }

  function wakeEnding() {
    for (const { key } of inventory.list()) {
      if (desired.absence(key)?.state === 'ending') controller.add(key)
    }
  }

  async function readSources(signal: AbortSignal): Promise<number> {
    const contents = await Promise.all(sources.map((source) => source.read(signal)))
    signal.throwIfAborted()
    latest = contents
    for (const [index, source] of sources.entries()) {
      const content = contents[index]
      if (content?.complete) lastCompleteMs.set(source, content.readAtMs)
    }
    const declarations = contents.flatMap((content) => content.declarations)
    const update = await desired.update(
      declarations,
      {
        atMs: Math.min(...contents.map((content) => content.readAtMs)),
        complete: contents.every((content) => content.complete),
        count: declarations.length,
        sources: new Set(sources.map((source) => source.name)),
        unusable: new Set(contents.flatMap(({ unusable }) => [...(unusable ?? [])])),
      },
      contents.flatMap(({ ends }) => ends ?? []),
    )
    problems = contents.flatMap((content) => content.problems)
    const warnings = contents.flatMap((content) => content.warnings)
    problemLog.update(problems, desired.refusals(), warnings)
    dependents = planDependents([...desired.declarations().values()])
    for (const key of update.changed) controller.add(key)
    if (isFirst) lookAtAll()
    isFirst = false
    await keeper?.afterReading()
    notify()
    void lookAtSecrets(desired.declarations())
    const nowMs = clock.now()
    const readAgainAtMs = update.readAgainAtMs ?? Number.POSITIVE_INFINITY
    // Already past, it waits for a source that is looked at by its own schedule.
    return Math.min(readAgainAtMs > nowMs ? readAgainAtMs : nowMs + pastMs, nowMs + options.rescanMs)
  }
  const reader = createReadingLoop({
    clock,
    read: readSources,
    onError: (error) => log.error({ error: errorMessage(error) }, 'reading the sources failed'),
  })

  const stopObserving = observer.onChange((change) => {
    if (change.type === 'plugin') {
      for (const [key, declaration] of desired.declarations()) {
        if (pluginOf(inventory.get(key), declaration) === change.pluginID)
          controller.add(key, { priority: 'resync' })
      }
      wakeEnding()
      return
    }
    const key = volumeKey(change.namespace, change.volumeID)
    if (desired.declaration(key) !== undefined || inventory.get(key) !== undefined) controller.add(key)
  })
  const stopWatching = sources.map((source) => source.onChange(() => reader.read()))
  let stopResync = () => {}
  const resync = () => {
    stopResync = clock.after(options.resyncMs, () => {
      lookAtAll()
      resync()
    })
  }
  resync()
  reader.read()

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
      listeners.push(listener)
    },
    desired,
    queue: controller.counters,
    sources: () =>
      sources.map((source, index) => ({
        name: source.name,
        content: latest[index],
        lastCompleteMs: lastCompleteMs.get(source),
      })),
    look: (key) => controller.add(key),
    async settle() {
      await readSources(new AbortController().signal)
      lookAtAll()
      await controller.whenIdle()
    },
    async close(graceMs = drainGraceMs) {
      stopResync()
      stopObserving()
      for (const stop of stopWatching) stop()
      await reader.close()
      // A pass that hangs in a read hears of no signal; it ends with the observer.
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
