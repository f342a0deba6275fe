import { type Moment, momentOf } from '../../../lib/clock.ts'
import { errorMessage, OperationError, toOperationError } from '../../../lib/errors.ts'
import { claimsOf } from '../../plan/claims.ts'
import type { DetachPlan } from '../../plan/detach-plan.ts'
import type { VolumeRecord } from '../../plan/record.ts'
import { compareVolume } from '../../plan/volume-difference.ts'
import { gatherDetach, publishedTo } from '../gather-detach.ts'
import { identityOf, recordedExternalID, type VolumeStep, type VolumeStepInput } from '../volume-seen.ts'
import { updateVolume } from './update-volume.ts'

/**
 * Detaches the volume from a node and checks the result, because Nomad's answer proves nothing. If it had no effect and
 * Mooring reaches the plugin directly, it asks the plugin, after it has checked the proof again. The try is stored first,
 * so that even after a crash the next one waits longer.
 */
export const detachNode: VolumeStep = {
  intend({ context, record, seen: { detach } }) {
    return tried(record, nodeOf(record, detach), momentOf(context.clock), 'its outcome is not known')
  },
  async act(input) {
    const { context, record, seen, signal } = input
    const { detach } = seen
    if (detach.type !== 'detach') throw new Error(`${record.key}: nothing to detach`)
    const { nodeID } = detach
    const { namespace, volumeID } = identityOf(record)
    const isFirst = record.detachTries?.[nodeID]?.times === 1
    let failure: OperationError | undefined
    try {
      await context.api.detachVolume(namespace, volumeID, nodeID, signal)
    } catch (error) {
      signal.throwIfAborted()
      failure = toOperationError(error)
    }
    let left = await whatIsLeft(input, nodeID, detach.claims)
    let unpublished = 'not asked'
    if (left !== undefined && (!isFirst || !detach.mayUnmountYet)) {
      unpublished = await unpublish(input, nodeID)
      if (unpublished === 'done') left = await whatIsLeft(input, nodeID, detach.claims)
    }
    if (left === undefined) {
      const { [nodeID]: _, ...others } = record.detachTries ?? {}
      return { ...record, detachTries: others }
    }
    const answer = failure === undefined ? `Nomad answered that it is done, but ${left}` : failure.message
    const outcome =
      unpublished === 'not asked'
        ? answer
        : unpublished === 'done'
          ? `${answer}; the plugin unpublished it on a direct call, but ${left}`
          : `${answer}; a direct call to the plugin failed: ${unpublished}`
    if (failure?.reason === 'DetachUnsupported' && (await rewrite(input, nodeID))) {
      const how = `${outcome}; Mooring wrote the volume again unchanged, so that Nomad releases the claims of ended allocations`
      return withOutcome(record, nodeID, momentOf(context.clock), how)
    }
    // The next pass starts at once, for other work.
    throw new OperationError(outcome, {
      kind: 'waiting',
      reason: failure?.reason ?? 'DetachWithoutEffect',
      retryAfterMs: 0,
    })
  },
  afterFailure({ context, record, seen, signal }, { message }) {
    if (signal.aborted) return { record }
    return { record: withOutcome(record, nodeOf(record, seen.detach), momentOf(context.clock), message) }
  },
}

function nodeOf({ key }: VolumeRecord, detach: DetachPlan): string {
  if (detach.type !== 'detach') throw new Error(`${key}: nothing to detach`)
  return detach.nodeID
}

/** Adds a try for the node. */
function tried(record: VolumeRecord, nodeID: string, last: Moment, outcome: string): VolumeRecord {
  const times = (record.detachTries?.[nodeID]?.times ?? 0) + 1
  return { ...record, detachTries: { ...record.detachTries, [nodeID]: { times, last, outcome } } }
}

/** Sets the outcome of the last try. */
function withOutcome(record: VolumeRecord, nodeID: string, last: Moment, outcome: string): VolumeRecord {
  const times = record.detachTries?.[nodeID]?.times ?? 1
  return { ...record, detachTries: { ...record.detachTries, [nodeID]: { times, last, outcome } } }
}

/**
 * Asks the plugin directly, after it has checked the proof again.
 * @returns `done`, `not asked` if Mooring does not reach the plugin directly, or why it failed
 */
async function unpublish(input: VolumeStepInput, nodeID: string): Promise<string> {
  const { context, record, before, seen, signal } = input
  const { volume, plugin, listed, secretValues } = seen
  const externalNodeID = plugin?.Nodes?.[nodeID]?.NodeInfo?.ID ?? record.status.externalNodeIDs?.[nodeID]
  if (context.plugins === undefined || volume === undefined || externalNodeID === undefined)
    return 'not asked'
  const again = await gatherDetach(context, before, { volume, plugin, listed })
  if (again.type !== 'detach' || again.nodeID !== nodeID)
    return 'it is no longer proven that nothing writes there'
  try {
    const { pluginID } = record.declaration.spec
    const externalID = recordedExternalID(record)
    const what = { pluginID, externalID, externalNodeID, secrets: secretValues }
    return (await context.plugins.unpublish(what, signal)) ? 'done' : 'not asked'
  } catch (error) {
    signal.throwIfAborted()
    return errorMessage(error)
  }
}

/**
 * Writes the volume again unchanged. After a write, Nomad's volumewatcher releases the claims of ended allocations,
 * including the calls to the plugin.
 * @returns false if it is not safe: Nomad might also release a claim that is not proven dead, the volume differs from its
 *   declaration, or secrets might be lost
 */
async function rewrite(input: VolumeStepInput, nodeID: string): Promise<boolean> {
  const { context, record, before, seen } = input
  const { volume, plugin, listed, hashes } = seen
  if (volume === undefined) return false
  const again = await gatherDetach(context, before, { volume, plugin, listed })
  if (again.type !== 'detach' || again.nodeID !== nodeID) return false
  if (again.claims.length === 0 || !again.restLives) return false
  const { spec } = record.declaration
  const { immutable, updatable, unreadable, expansion } = compareVolume(spec, record, volume, hashes)
  if (immutable.length + updatable.length + unreadable.length > 0 || expansion !== undefined) return false
  await updateVolume.act(input)
  return true
}

/** What still attaches the volume to the node, according to Nomad and the plugin; undefined: nothing. */
async function whatIsLeft(
  { context, record, seen: { plugin, listed } }: VolumeStepInput,
  nodeID: string,
  claims: readonly string[],
): Promise<string | undefined> {
  const { observer } = context
  const { pluginID } = record.declaration.spec
  observer.invalidate({ volume: identityOf(record), ...(listed === undefined ? {} : { pluginID }) })
  const { namespace, volumeID } = identityOf(record)
  const volume = await observer.volume(namespace, volumeID)
  const held = volume === undefined ? [] : claimsOf(volume).filter((id) => claims.includes(id))
  if (held.length > 0) return `allocation ${held.join(', ')} still claims it there`
  if (listed === undefined) return undefined
  const now = (await observer.externalVolumes(pluginID)).get(listed.ExternalID)
  return publishedTo(now, plugin).includes(nodeID)
    ? `plugin "${pluginID}" still lists it as published there`
    : undefined
}
