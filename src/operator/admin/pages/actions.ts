import { UsageError } from '../../../lib/errors.ts'
import { shellCommand } from '../../../lib/shell-command.ts'
import type { Action, Choice } from '../../../wire/dashboard/common.ts'
import type { Order } from '../../orders/order.ts'
import { planOrder } from '../../orders/take-order.ts'
import type { Key } from '../../plan/identity.ts'
import { nodeIsDeadValue } from '../../plan/orders.ts'
import type { InventoryRecord, SnapshotRecord, VolumeRecord } from '../../plan/record.ts'
import type { ClusterView } from './cluster-view.ts'
import { given, partsOf, timeOf } from './references.ts'

type ActionID =
  | 'takeSnapshots'
  | 'suspend'
  | 'resume'
  | 'restore'
  | 'restoreBack'
  | 'undoRestore'
  | 'recreate'
  | 'detach'
  | 'confirmRemoval'
  | 'cancelEnd'
  | 'trustClock'
  | 'keepSnapshot'
  | 'releaseSnapshot'

interface Offer {
  readonly label: string
  readonly consequence: string
  readonly command: string
  /** Absent: no order does this. */
  readonly order?: Record<string, string>
  readonly refusal?: string | undefined
  readonly typeToConfirm?: string
  readonly choices?: NonNullable<Action['choices']>
}

/** What can be ordered for an object, each as the command's order, and why what cannot is refused. */
export function actionsFor(view: ClusterView, key: Key): Action[] {
  const { kind } = partsOf(key)
  const record = view.records.get(key)
  switch (kind) {
    case 'Volume':
      return [
        offer(view, 'takeSnapshots', takeSnapshots(key)),
        ...(record?.kind === 'Volume' ? volumeActions(view, record) : []),
        ...suspension(view, key),
        ...endActions(view, key, record),
      ]
    case 'SnapshotSchedule':
      return [
        offer(view, 'takeSnapshots', takeSnapshots(key)),
        offer(view, 'trustClock', {
          label: 'The date is right',
          consequence:
            'Runs and retention go by the date of this machine again. A later leap is asked about again.',
          command: command('snapshot', 'trust-clock', key),
          order: { type: 'trustClock', key },
        }),
        ...suspension(view, key),
        ...endActions(view, key, record),
      ]
    case 'HostVolume':
      return [...suspension(view, key), ...endActions(view, key, record)]
    case 'Snapshot':
      return [
        ...(record?.kind === 'Snapshot' ? snapshotActions(view, record) : []),
        ...suspension(view, key),
        ...endActions(view, key, record),
      ]
  }
}

/** The orders by which a person goes on with something that waits for them. */
export function remedyActions(view: ClusterView, key: Key, reason: string): Action[] {
  const record = view.records.get(key)
  const isVolume = record?.kind === 'Volume'
  switch (reason) {
    case 'Vanished':
      return isVolume ? [recreate(view, record)] : []
    case 'ClockLeapt':
    case 'SourceUnclear':
    case 'SourceNotRead':
    case 'TooManyEnds':
    case 'SourceEmpty':
    case 'Suspended':
      return actionsFor(view, key).filter(
        ({ id, refusal }) =>
          refusal === undefined && ['trustClock', 'confirmRemoval', 'cancelEnd', 'resume'].includes(id),
      )
    case 'DetachNeedsWord':
      return isVolume ? [detach(view, record)] : []
    default:
      return []
  }
}

/** What can be ordered for one snapshot of a volume. */
export function snapshotActions(view: ClusterView, { key, declaration }: SnapshotRecord): Action[] {
  const { inventory } = view.known()
  const isKept = inventory.orders(key).keptSinceMs !== undefined
  return [
    isKept
      ? offer(view, 'releaseSnapshot', {
          label: 'Leave it to retention',
          consequence: `Retention may delete snapshot ${declaration.name} again, with its data, once no rule keeps it.`,
          command: command('snapshot', 'keep', key, '--release'),
          order: { type: 'releaseSnapshot', key },
        })
      : offer(view, 'keepSnapshot', {
          label: 'Keep it',
          consequence: `Retention leaves snapshot ${declaration.name} alone until a person releases it.`,
          command: command('snapshot', 'keep', key),
          order: { type: 'keepSnapshot', key },
        }),
  ]
}

function takeSnapshots(key: Key): Offer {
  const isVolume = partsOf(key).kind === 'Volume'
  return {
    label: isVolume ? 'Take a snapshot now' : 'Take the snapshots now',
    consequence: isVolume
      ? 'The schedule that selects this volume takes a snapshot of it now. Its retention counts it, so an older one may go.'
      : 'A snapshot of each volume of this schedule is taken now. Its retention counts them, so older ones may go.',
    command: command('snapshot', 'now', ...(isVolume ? ['volume', targetOf(key)] : [targetOf(key)])),
    order: { type: 'takeSnapshots', key },
  }
}

function suspension(view: ClusterView, key: Key): Action[] {
  return [
    offer(view, 'suspend', {
      label: 'Suspend',
      consequence: 'Nothing more is done for it, and it does not end either, until it is resumed.',
      command: command('suspend', key),
      order: { type: 'suspend', key },
      refusal:
        view.known().inventory.orders(key).suspendedSinceMs === undefined
          ? undefined
          : 'it is suspended already',
    }),
    offer(view, 'resume', {
      label: 'Resume',
      consequence: 'It is looked at again, and what differs from its declaration is corrected.',
      command: command('resume', key),
      order: { type: 'resume', key },
    }),
  ]
}

function endActions(view: ClusterView, key: Key, record: InventoryRecord | undefined): Action[] {
  const absence = view.absence(key)
  if (absence === undefined && record?.missing === undefined) return []
  const policy =
    record?.kind === 'Volume' || record?.kind === 'Snapshot'
      ? record.declaration.spec.deletionPolicy
      : 'Retain'
  return [
    offer(view, 'confirmRemoval', {
      label: 'It was removed on purpose',
      consequence:
        policy === 'Delete'
          ? 'It ends by deletionPolicy: Delete. Its data are destroyed, within the limits of --prune and --prune-delay.'
          : `It ends by deletionPolicy: ${policy}. Its data stay with the plugin.`,
      command: command('confirm-removal', key),
      order: { type: 'confirmRemoval', key },
      ...(policy === 'Delete' ? { typeToConfirm: partsOf(key).name } : {}),
    }),
    ...(record?.kind === 'SnapshotSchedule'
      ? []
      : [
          offer(view, 'cancelEnd', {
            label: 'Cancel the end',
            consequence:
              'Nothing is deleted. It stays as it is, Mooring manages it no longer, and it is listed as an orphan until it is declared again.',
            command: command('cancel-end', key),
            order: { type: 'cancelEnd', key },
          }),
        ]),
  ]
}

function volumeActions(view: ClusterView, record: VolumeRecord): Action[] {
  const { restore, status } = record
  return [
    restoreFrom(view, record),
    ...(replacedOf(view, record).length === 0 ? [] : [restoreBack(view, record)]),
    ...(restore === undefined && view.known().inventory.orders(record.key).restore === undefined
      ? []
      : [
          offer(view, 'undoRestore', {
            label: 'Call off the restore',
            consequence:
              'The volume keeps the external volume that it has, unless the new one is found to exist already.',
            command: command('restore', targetOf(record.key), '--undo'),
            order: { type: 'undoRestore', key: record.key },
          }),
        ]),
    ...((status.attachedNodes ?? []).length === 0 ? [] : [detach(view, record)]),
    recreate(view, record),
  ]
}

function restoreFrom(view: ClusterView, record: VolumeRecord): Action {
  const { key, externalID = '', declaration, status } = record
  const options = snapshotsOf(view, record).map(choiceOf)
  const usable = options.find(({ refusal }) => refusal === undefined)
  const used = (status.claims ?? []).length
  const order = { type: 'restore', key, ...(externalID === '' ? {} : { replaces: externalID }) }
  const noSnapshot = options.length === 0 ? 'it has no snapshot' : 'it has no snapshot that is ready to use'
  return offer(view, 'restore', {
    label: 'Restore from a snapshot',
    consequence:
      `A new external volume made from the snapshot takes the place of "${externalID}", and what was written since is no longer in the volume. ` +
      `The replaced one is kept, so the restore can be taken back.${used === 0 ? '' : ` ${used === 1 ? 'An allocation claims' : `${used} allocations claim`} the volume now: the restore waits until none does.`}`,
    command: command('restore', targetOf(key), '--from', 'SNAPSHOT'),
    order,
    refusal:
      refusalOf(view, { ...order, snapshot: usable?.value ?? 'none' }) ?? (usable ? undefined : noSnapshot),
    typeToConfirm: declaration.spec.volumeID,
    choices: [{ field: 'snapshot', label: 'Snapshot', options }],
  })
}

function restoreBack(view: ClusterView, record: VolumeRecord): Action {
  const { key, externalID = '' } = record
  const options = replacedOf(view, record).map(({ externalID: value, atMs }) => ({
    value,
    label: value,
    detail: 'replaced by a restore',
    time: timeOf(atMs),
  }))
  const order = { type: 'restoreBack', key, ...(externalID === '' ? {} : { replaces: externalID }) }
  return offer(view, 'restoreBack', {
    label: 'Go back to before a restore',
    consequence: `The chosen external volume takes the place of "${externalID}" again. What was written since the restore is no longer in the volume; "${externalID}" is kept.`,
    command: command('restore', targetOf(key), '--back-to', 'EXTERNAL_ID'),
    order,
    refusal: refusalOf(view, { ...order, externalID: options[0]?.value ?? '' }),
    typeToConfirm: record.declaration.spec.volumeID,
    choices: [{ field: 'externalID', label: 'External volume', options }],
  })
}

function detach(view: ClusterView, record: VolumeRecord): Action {
  const { key, status } = record
  const { attachedNodes = [], claimNodes = {} } = status
  const options = attachedNodes.map((node) => {
    const allocations = Object.keys(claimNodes).filter((allocation) => claimNodes[allocation] === node)
    const detail =
      allocations.length === 0 ? 'no allocation claims it there' : `claimed by ${allocations.join(', ')}`
    return { value: node, label: nodeIsDeadValue(node, allocations), detail }
  })
  const order = { type: 'detach', key }
  return offer(view, 'detach', {
    label: 'Detach from a dead node',
    consequence:
      'The volume is taken off the node. If something on that node still writes, the data are corrupted: make sure that the node is off, or cut from the storage.',
    command: command('detach', targetOf(key), '--node-is-dead', 'NODE'),
    order,
    refusal: refusalOf(view, { ...order, node: attachedNodes[0] ?? '' }),
    typeToConfirm: record.declaration.spec.volumeID,
    choices: [{ field: 'node', label: 'Node on which nothing writes any more', options }],
  })
}

function recreate(view: ClusterView, { key, externalID = '', declaration }: VolumeRecord): Action {
  return offer(view, 'recreate', {
    label: 'Give up the lost volume',
    consequence: `External volume "${externalID}" is given up. A new one takes its place, blank or from the declared source: the data of the lost one do not come back.`,
    command: command('recreate', targetOf(key), '--lost', externalID === '' ? 'EXTERNAL_ID' : externalID),
    order: { type: 'recreate', key, lostExternalID: externalID },
    typeToConfirm: declaration.spec.volumeID,
  })
}

function offer(view: ClusterView, id: ActionID, { order, refusal, ...rest }: Offer): Action {
  const isWhole = order !== undefined && rest.choices === undefined
  return {
    id,
    ...rest,
    order: order ?? {},
    ...given('refusal', refusal ?? (isWhole ? refusalOf(view, order) : undefined)),
  }
}

/** Why the order would be refused now; undefined: it would be taken, as far as this process knows. */
function refusalOf(view: ClusterView, order: Record<string, string>): string | undefined {
  try {
    planOrder(order as Order, view.known()) // Made above, by the fields of the union.
    return undefined
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
}

/** The snapshots of a volume, newest first. */
export function snapshotsOf(view: ClusterView, { key, declaration }: VolumeRecord): SnapshotRecord[] {
  return view.records
    .find('snapshotsOf', `${declaration.spec.namespace}/${declaration.name}`)
    .filter((record) => record.kind === 'Snapshot')
    .filter(({ schedule }) => schedule === undefined || schedule.volume === key)
    .sort((one, other) => takenAtMs(other) - takenAtMs(one))
}

/** When it was taken; before that is known, when it was scheduled. */
export function takenAtMs({ status, schedule }: SnapshotRecord): number {
  return status.takenAtMs ?? schedule?.tickMs ?? 0
}

export function isReady({ status }: InventoryRecord): boolean {
  return status.conditions.some((each) => each.type === 'Ready' && each.status === 'True')
}

function choiceOf(record: SnapshotRecord): Choice {
  const { declaration, status, snapshotID } = record
  const atMs = takenAtMs(record)
  const [ready] = status.conditions
  const refusal = record.schedule?.isExpired
    ? 'it has expired and is being deleted'
    : isReady(record) && snapshotID !== undefined
      ? undefined
      : `it is not ready: ${ready?.message ?? 'no pass has looked at it yet'}`
  return {
    value: declaration.name,
    label: declaration.name,
    ...given('detail', snapshotID),
    ...given('time', atMs === 0 ? undefined : timeOf(atMs)),
    ...given('refusal', refusal),
  }
}

function replacedOf(view: ClusterView, { key, externalID }: VolumeRecord) {
  return view
    .known()
    .inventory.released()
    .filter((each) => each.key === key && each.reason === 'Replaced' && each.externalID !== externalID)
}

const command = (...words: string[]) => shellCommand('mooring', ...words)
const targetOf = (key: Key) => key.slice(key.indexOf('/') + 1)
