import { keepInstead } from '../../lib/reasons/declared.ts'
import { shellCommand } from '../../lib/shell-command.ts'
import type { Key } from '../plan/identity.ts'
import { wholeKeyOf } from '../plan/per-alloc.ts'
import { type HostVolumeRecord, type SnapshotRecord, storedThing, type VolumeRecord } from '../plan/record.ts'
import { type Known, type Planner, type Planners, refuse } from './planner.ts'

const planConfirmRemoval: Planner<'confirmRemoval'> = ({ key }, { inventory, declarations }) => {
  const record = inventory.get(key)
  const records =
    record === undefined
      ? inventory.list().filter(({ declaration }) => wholeKeyOf(declaration) === key)
      : [record]
  if (records.length === 0) return refuse(`${key} is not managed, so there is nothing to end`)
  // The volumes of one declaration are missed by the same reading, but for those that a lowered count left out before.
  const [sinceMs] = records.flatMap(({ missing }) => missing?.sinceMs ?? []).sort((one, other) => other - one)
  if (sinceMs === undefined) {
    const isDeclared = records.some((each) => declarations.has(each.key))
    const where = isDeclared ? 'it is declared' : 'no reading has missed its declaration yet'
    return refuse(`the removal of ${key} is not confirmed: ${where}; remove its declaration first`)
  }
  return {
    message: `${key} counts as removed on purpose. It ends by its deletionPolicy, within the limits of --prune and --prune-delay. To keep it, declare it again`,
    change: { key, by: (orders) => ({ ...orders, removal: { sinceMs } }) },
  }
}

/**
 * Releases what would end, as deletionPolicy Retain does. A sent delete cannot be taken back. What is
 * stored first counts: a pass stores that it deletes, then looks for this order, and only then sends the delete.
 */
const planCancelEnd: Planner<'cancelEnd'> = ({ key }, known) => {
  const { inventory } = known
  const instances = inventory.list().filter(({ declaration }) => wholeKeyOf(declaration) === key)
  if (instances.length > 0) {
    const commands = instances.map((each) => shellCommand('mooring', 'cancel-end', each.key)).join(', ')
    return refuse(`${key} is several volumes, and each has an end of its own: ${commands}`)
  }
  const { record } = endToCancel(key, known)
  const resume =
    inventory.orders(key).suspendedSinceMs === undefined
      ? ''
      : `. It is suspended, so this happens after ${shellCommand('mooring', 'resume', key)}`
  return {
    message: `the end of ${key} is cancelled, and nothing is deleted. ${explainRest(record)}. Mooring manages it no longer; to manage it again, declare it again${resume}`,
    change: {
      key,
      // The delete may have been sent since this was planned.
      by: (orders) => ({ ...orders, cancelledEnd: { sinceMs: endToCancel(key, known).sinceMs } }),
    },
  }
}

/** @throws UsageError where nothing ends, or the delete was sent */
function endToCancel(key: Key, { inventory, declarations }: Known) {
  const record = inventory.get(key)
  if (record === undefined || record.kind === 'SnapshotSchedule')
    return refuse(`${key} is not managed, so it has no end to cancel`)
  if (record.schedule !== undefined) {
    const keep = shellCommand('mooring', 'snapshot', 'keep', key)
    return refuse(`a schedule made ${key}, so retention ends it: to keep it, run ${keep}`)
  }
  const { missing, declaration } = record
  if (missing === undefined && !declarations.has(key) && declaration.place.object !== undefined)
    return refuse(`its object declares ${key}. ${keepInstead}`)
  if (missing === undefined) return refuse(`${key} does not end: it is declared`)
  const isConfirmed = inventory.orders(key).removal?.sinceMs === missing.sinceMs
  if (!missing.isSeen && !isConfirmed)
    return refuse(`${key} does not end: nobody saw the removal of its declaration, so it stays as it is`)
  if (record.end !== undefined && (record.kind !== 'Volume' || record.end.phase === 'delete')) {
    const { pluginID = '', externalID = '' } = storedThing(record)
    const what = { Volume: 'external volume', Snapshot: 'snapshot', HostVolume: 'host volume' }[record.kind]
    return refuse(
      `the end of ${key} cannot be cancelled any more: the delete of ${what} "${externalID}" was sent to plugin "${pluginID}", and its data may be gone. Mooring finishes the delete; if the plugin refuses it, the end can be cancelled then`,
    )
  }
  return { sinceMs: missing.sinceMs, record }
}

function explainRest(record: VolumeRecord | SnapshotRecord | HostVolumeRecord): string {
  const { pluginID = '', externalID } = storedThing(record)
  if (externalID === undefined) return 'Nothing is known to have been created for it'
  if (record.kind === 'Snapshot') return `Snapshot "${externalID}" stays with plugin "${pluginID}"`
  if (record.kind === 'HostVolume') return `Host volume "${externalID}" stays on its node and in Nomad`
  return record.end === undefined
    ? `External volume "${externalID}" stays with plugin "${pluginID}", and Nomad keeps its volume`
    : `External volume "${externalID}" stays with plugin "${pluginID}". Nomad's volume was deregistered already, and is registered again when it is declared again`
}

export const removalPlanners = {
  confirmRemoval: planConfirmRemoval,
  cancelEnd: planCancelEnd,
} satisfies Partial<Planners>
