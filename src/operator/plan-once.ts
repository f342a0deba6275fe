import PQueue from 'p-queue'
import { systemClock } from '../lib/clock.ts'
import { UsageError } from '../lib/errors.ts'
import { silentLog } from '../lib/log.ts'
import type { OperatorInfo } from './admin/admin.ts'
import { type Declaration, formatPlace } from './declare/declaration.ts'
import type { Reading } from './desired/absence.ts'
import { createDesired } from './desired/desired.ts'
import type { PruneOptions } from './desired/prune.ts'
import { createMemoryInventory, type InventoryContents } from './inventory/memory-inventory.ts'
import { kubernetesSourceName } from './kubernetes/object-view.ts'
import { openPartsOnce, type Parts } from './open-parts.ts'
import { defaultRegion } from './operator-directory.ts'
import type { Decision } from './plan/decision.ts'
import type { Key } from './plan/identity.ts'
import { type DataRisk, effectOf, riskOfEnd, type StepEffect } from './plan/step-effect.ts'
import type { FieldDifference } from './plan/volume-difference.ts'
import { createReconcile } from './reconcile/reconcile.ts'
import { type ClusterSettings, gitDirectoryOf } from './settings.ts'
import { createCommonReader } from './sources/read-together.ts'

/** A step that would be taken now. */
export interface PlannedStep {
  readonly key: Key
  readonly step: string
  readonly effect: StepEffect
  readonly risk: DataRisk
  readonly why: string
  readonly differences: readonly FieldDifference[]
  readonly declaration: Declaration
}

/** An identity that is not as declared, and for which no step would be taken now. */
export interface PlannedNothing {
  readonly key: Key
  readonly reason: string
  readonly message: string
  readonly differences: readonly FieldDifference[]
  /** Set if its declaration was removed and its end waits: what the end then does to data. */
  readonly endRisk?: DataRisk
}

export interface Plan {
  readonly steps: readonly PlannedStep[]
  /** What has to come first may be one of the steps. */
  readonly waiting: readonly PlannedNothing[]
  /** Only a person can go on. */
  readonly stalled: readonly PlannedNothing[]
  /** Suspended, or gone and kept. */
  readonly held: readonly PlannedNothing[]
  readonly asDeclared: number
  /** Why the plan is not whole: mistakes in the sources, declarations that are refused, reads that failed. */
  readonly problems: readonly string[]
}

/** Reads are waited for; more at once would only queue at Nomad. */
const concurrency = 16

/**
 * The sources to plan for.
 * @param source the ones that are named, or else those of the operator that runs here
 * @throws UsageError where there are none
 */
export function sourcesToPlan(
  source: readonly string[] | undefined,
  info: Pick<OperatorInfo, 'sources'> | undefined,
): readonly string[] {
  if (source !== undefined) return source
  throw new UsageError(
    info?.sources.includes(kubernetesSourceName)
      ? 'the operator here reads objects of Kubernetes, and mooring plan reads files: name some, or run an operator with --kubernetes --read-only, whose status says what it would do'
      : 'no folder is named: write mooring plan FOLDER, or give --source',
  )
}

/** The same reading, some time later. */
function later(reading: Reading, byMs: number): Reading {
  const sources = [...reading.sources].map(
    ([name, evidence]) => [name, { ...evidence, monotonicMs: evidence.monotonicMs + byMs }] as const,
  )
  const { atMs, monotonicMs } = reading
  return { ...reading, atMs: atMs + byMs, monotonicMs: monotonicMs + byMs, sources: new Map(sources) }
}

/**
 * Plans for the sources of a cluster, from what is recorded here.
 * @param directory of the operator
 */
export async function planCluster(
  cluster: ClusterSettings,
  prune: PruneOptions,
  directory: string,
  known: Pick<Parameters<typeof planOnce>[0], 'contents' | 'keyedHash' | 'isAbout'>,
): Promise<Plan> {
  const { keyedHash } = known
  const parts = await openPartsOnce({ cluster, keyedHash, earlierGitDirectory: gitDirectoryOf(directory) })
  try {
    const region = cluster.nomad.nomadRegion ?? defaultRegion
    return await planOnce({ ...known, parts, prune, region })
  } finally {
    await parts.close()
  }
}

/**
 * Decides for everything once, as the operator would, and acts on nothing: the passes are its own, over an
 * inventory that is gone afterwards. What is no longer declared is judged as if the prune delay had passed.
 */
export async function planOnce(options: {
  readonly parts: Parts
  readonly contents: InventoryContents
  /** The inventory's, so that secrets compare with what was applied. */
  readonly keyedHash: (text: string) => string
  readonly prune: PruneOptions
  readonly region: string
  /** Only for these is anything planned; absent: for all. */
  readonly isAbout?: (key: Key) => boolean
}): Promise<Plan> {
  const { parts, region, prune, isAbout = () => true } = options
  const inventory = createMemoryInventory(options.contents, options.keyedHash)
  const desired = createDesired({ inventory, region, prune })
  const { declarations, reading, problems } = await createCommonReader(parts.sources).read()
  await desired.update(declarations, reading)
  await desired.update(declarations, later(reading, prune.pruneDelayMs))

  const decisions = new Map<Key, Decision>()
  const failures = new Set<string>()
  const before = new Map(inventory.list().map((record) => [record.key, record.declaration]))
  const reconcile = createReconcile({
    ...parts,
    api: parts.client,
    inventory,
    desired,
    clock: systemClock,
    log: silentLog,
    region,
    callsEndedBeforeMs: undefined,
    onPlanned: (key, decision) => decisions.set(key, decision),
    onStatus: () => {},
    wake: () => {},
  })
  const queue = new PQueue({ concurrency })
  const keys = new Set([...desired.declarations().keys(), ...before.keys()])
  await queue.addAll(
    [...keys].filter(isAbout).map((key) => async () => {
      const outcome = await reconcile(key, new AbortController().signal)
      if (outcome.type === 'failed') failures.add(outcome.error.message)
    }),
  )

  const plan = {
    steps: [] as PlannedStep[],
    waiting: [] as PlannedNothing[],
    stalled: [] as PlannedNothing[],
    held: [] as PlannedNothing[],
    asDeclared: 0,
  }
  const records = inventory.list().filter(({ key }) => isAbout(key))
  for (const record of records.sort((one, other) => (one.key < other.key ? -1 : 1))) {
    const { key, declaration, status } = record
    const decision = decisions.get(key)
    const differences = decision?.differences ?? []
    if (decision?.step !== undefined) {
      const { step, verdict } = decision
      plan.steps.push({
        key,
        step,
        ...effectOf(step, record),
        why: verdict.message,
        differences,
        declaration,
      })
      continue
    }
    const [ready, reconciling, stalled] = status.conditions
    const absence = desired.absence(key)
    const nothing = {
      key,
      reason: ready?.reason ?? '',
      message: ready?.message ?? '',
      differences,
      ...(absence?.state === 'ending' ? { endRisk: riskOfEnd(absence.declaration ?? declaration) } : {}),
    }
    if (ready?.status === 'True') plan.asDeclared += 1
    else if (stalled?.status === 'True') plan.stalled.push(nothing)
    else if (reconciling?.status === 'True') plan.waiting.push(nothing)
    else plan.held.push(nothing)
  }
  return {
    ...plan,
    problems: [
      ...problems.map(
        ({ place, field, message }) => `${formatPlace(place)}: ${field === '' ? '' : `${field}: `}${message}`,
      ),
      ...desired.refusals().map(({ message }) => message),
      ...failures,
    ],
  }
}
