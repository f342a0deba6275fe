import { errorMessage, OperationError, toOperationError } from '../../../lib/errors.ts'
import { claimsOf } from '../../plan/claims.ts'
import type { VolumeRecord } from '../../plan/record.ts'
import { compareVolume } from '../../plan/volume-difference.ts'
import { gatherDetach, publishedTo } from '../gather-detach.ts'
import { recordedExternalID, type VolumeStepInput } from '../volume-step.ts'
import { identityOf } from './create-volume.ts'
import { updateVolume } from './update-volume.ts'

/**
 * Takes the volume off a node, and looks whether that helped: an answer proves nothing. Where Nomad's own
 * endpoint does not help and the plugin is reached directly, that is asked, under the proof as it is by then.
 * The try is stored first, so that one which does not help, or which hangs until somebody ends the process,
 * waits longer each time and leaves the passes between to everything else.
 */
export async function detachNode(input: VolumeStepInput): Promise<VolumeRecord> {
  const { context, record, detach, signal } = input
  if (detach.type !== 'detach') throw new Error(`${record.key}: nothing to detach`)
  const { nodeID } = detach
  const { namespace, volumeID } = identityOf(record)
  const times = (record.detachTries?.[nodeID]?.times ?? 0) + 1
  const tried = (outcome: string): VolumeRecord => ({
    ...record,
    detachTries: { ...record.detachTries, [nodeID]: { times, lastMs: context.clock.now(), outcome } },
  })
  await context.inventory.put(tried('its outcome is not known'))
  let failure: OperationError | undefined
  try {
    await context.api.detachVolume(namespace, volumeID, nodeID, signal)
  } catch (error) {
    signal.throwIfAborted()
    failure = toOperationError(error)
  }
  let left = await whatIsLeft(input, nodeID, detach.claims)
  let unpublished = 'not asked'
  if (left !== undefined && (times > 1 || !detach.mayUnmountYet)) {
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
    return tried(
      `${outcome}; the volume was written again as it is, after which Nomad lets go of it by itself`,
    )
  }
  await context.inventory.put(tried(outcome))
  // At once again: the next pass does what else there is to do.
  throw new OperationError(outcome, {
    kind: 'waiting',
    reason: failure?.reason ?? 'DetachWithoutEffect',
    retryAfterMs: 0,
  })
}

/**
 * Asks the plugin itself. Time has passed since the proof was found, so it is looked for anew.
 * @returns `done`, `not asked` where the plugin is not reached directly, or why it was not done
 */
async function unpublish(input: VolumeStepInput, nodeID: string): Promise<string> {
  const { context, record, volume, plugin, listed, secretValues, signal } = input
  const externalNodeID = plugin?.Nodes?.[nodeID]?.NodeInfo?.ID ?? record.status.externalNodeIDs?.[nodeID]
  if (context.plugins === undefined || volume === undefined || externalNodeID === undefined)
    return 'not asked'
  const again = await gatherDetach(context, record, { volume, plugin, listed })
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
  const { context, record, volume, plugin, listed, hashes } = input
  if (volume === undefined) return false
  const again = await gatherDetach(context, record, { volume, plugin, listed })
  if (again.type !== 'detach' || again.nodeID !== nodeID) return false
  if (again.claims.length === 0 || !again.restLives) return false
  const { spec } = record.declaration
  const { immutable, updatable, unreadable, expansion } = compareVolume(spec, record, volume, hashes)
  if (immutable.length + updatable.length + unreadable.length > 0 || expansion !== undefined) return false
  await updateVolume(input)
  return true
}

/** What of the volume is on the node still, as Nomad and the plugin say now; undefined: nothing. */
async function whatIsLeft(
  { context, record, plugin, listed }: VolumeStepInput,
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
