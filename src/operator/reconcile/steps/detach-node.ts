import { errorMessage, OperationError, toOperationError } from '../../../lib/errors.ts'
import { claimsOf } from '../../plan/claims.ts'
import type { DetachPlan } from '../../plan/detach-plan.ts'
import type { VolumeRecord } from '../../plan/record.ts'
import { compareVolume } from '../../plan/volume-difference.ts'
import { gatherDetach, publishedTo } from '../gather-detach.ts'
import { identityOf, recordedExternalID, type VolumeStep, type VolumeStepInput } from '../volume-seen.ts'
import { updateVolume } from './update-volume.ts'

/**
 * Takes the volume off a node, and looks whether that helped: an answer proves nothing. Where Nomad's own
 * endpoint does not help and the plugin is reached directly, that is asked, under the proof as it is by then.
 * The try is stored first, so that one which does not help, or which hangs until somebody ends the process,
 * waits longer each time and leaves the passes between to everything else.
 */
export const detachNode: VolumeStep = {
  intend({ context, record, seen: { detach } }) {
    return tried(record, nodeOf(record, detach), context.clock.now(), 'its outcome is not known')
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
    const said = failure === undefined ? `Nomad answered that it is done, and ${left}` : failure.message
    const outcome =
      unpublished === 'not asked'
        ? said
        : unpublished === 'done'
          ? `${said}; the plugin, asked directly, took it off at the provider, and ${left}`
          : `${said}; the plugin, asked directly: ${unpublished}`
    if (failure?.reason === 'DetachUnsupported' && (await rewrite(input, nodeID))) {
      const how = `${outcome}; the volume was written again as it is, after which Nomad lets go of it by itself`
      return withOutcome(record, nodeID, context.clock.now(), how)
    }
    // At once again: the next pass does what else there is to do.
    throw new OperationError(outcome, {
      kind: 'waiting',
      reason: failure?.reason ?? 'DetachWithoutEffect',
      retryAfterMs: 0,
    })
  },
  afterFailure({ context, record, seen, signal }, { message }) {
    if (signal.aborted) return { record }
    return { record: withOutcome(record, nodeOf(record, seen.detach), context.clock.now(), message) }
  },
}

function nodeOf({ key }: VolumeRecord, detach: DetachPlan): string {
  if (detach.type !== 'detach') throw new Error(`${key}: nothing to detach`)
  return detach.nodeID
}

/** With one more try of the node. */
function tried(record: VolumeRecord, nodeID: string, nowMs: number, outcome: string): VolumeRecord {
  const times = (record.detachTries?.[nodeID]?.times ?? 0) + 1
  return { ...record, detachTries: { ...record.detachTries, [nodeID]: { times, lastMs: nowMs, outcome } } }
}

/** With what came of the try that was recorded last. */
function withOutcome(record: VolumeRecord, nodeID: string, nowMs: number, outcome: string): VolumeRecord {
  const times = record.detachTries?.[nodeID]?.times ?? 1
  return { ...record, detachTries: { ...record.detachTries, [nodeID]: { times, lastMs: nowMs, outcome } } }
}

/**
 * Asks the plugin itself. Time has passed since the proof was found, so it is looked for anew.
 * @returns `done`, `not asked` where the plugin is not reached directly, or why it was not done
 */
async function unpublish(input: VolumeStepInput, nodeID: string): Promise<string> {
  const { context, record, before, seen, signal } = input
  const { volume, plugin, listed, secretValues } = seen
  const externalNodeID = plugin?.Nodes?.[nodeID]?.NodeInfo?.ID ?? record.status.externalNodeIDs?.[nodeID]
  if (context.plugins === undefined || volume === undefined || externalNodeID === undefined)
    return 'not asked'
  const again = await gatherDetach(context, before, { volume, plugin, listed })
  if (again.type !== 'detach' || again.nodeID !== nodeID)
    return 'it is not proven any more that nothing writes there'
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
 * Writes the volume again as it is. Nomad looks at a volume's claims when it was written, and releases those
 * of allocations that have ended, the calls to the plugin included: what its Detach was meant to do (its
 * volumewatcher).
 * @returns false where it is not done: a claim that is not proven dead might go as well, as Nomad chooses them
 *   itself; the volume differs from its declaration; secrets might be lost
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

/** What of the volume is on the node still, as Nomad and the plugin say now; undefined: nothing. */
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
  if (held.length > 0) return `allocation ${held.join(', ')} holds it there still`
  if (listed === undefined) return undefined
  const now = (await observer.externalVolumes(pluginID)).get(listed.ExternalID)
  return publishedTo(now, plugin).includes(nodeID)
    ? `plugin "${pluginID}" lists it as published there still`
    : undefined
}
