import type { Declaration, SnapshotDeclaration, SnapshotScheduleDeclaration } from '../declare/declaration.ts'
import { csiNameFor, keyOf, snapshotKey } from './identity.ts'
import type { Inventory } from './ports.ts'
import type { InventoryRecord, SnapshotRecord, SnapshotScheduleRecord } from './record.ts'
import type { ScheduledVolume } from './schedule-observation.ts'
import { selectsVolume } from './selects-volume.ts'

/** The declared volumes that a schedule selects, by names or by labels. */
export function selectVolumes(
  schedule: SnapshotScheduleDeclaration,
  declarations: Iterable<Declaration>,
  inventory: Pick<Inventory, 'get'>,
): ScheduledVolume[] {
  const selected: ScheduledVolume[] = []
  for (const volume of declarations) {
    if (volume.kind !== 'Volume' || !selectsVolume(schedule, volume)) continue
    const key = keyOf(volume)
    const record = inventory.get(key)
    const exists = record?.kind === 'Volume' && record.externalID !== undefined
    const refusal = exists
      ? explainLoss(record)
      : volume.spec.suspend
        ? `volume "${volume.name}" is suspended, and Mooring has not made it or taken it over`
        : undefined
    const ready = record?.status.conditions.find(({ type, status }) => type === 'Ready' && status === 'True')
    selected.push({
      ...{ key, name: volume.name, exists },
      ...(ready === undefined ? {} : { readySinceMs: ready.lastTransitionMs }),
      ...(refusal === undefined ? {} : { refusal }),
    })
  }
  return selected
}

/** Why no snapshot of the volume can be taken: its data is gone. undefined: as far as Mooring knows, it is there. */
export function explainLoss({ declaration, status }: InventoryRecord): string | undefined {
  const stalled = status.conditions.find(({ type, status }) => type === 'Stalled' && status === 'True')
  return stalled?.reason === 'Vanished' || stalled?.reason === 'ExternalVolumeMissing'
    ? `volume "${declaration.name}" is Stalled with ${stalled.reason}: there is nothing to take a snapshot of`
    : undefined
}

/** The record of a snapshot for one scheduled time. People cannot declare a name with colons. */
export function scheduledSnapshot(
  { key: scheduleKey, declaration }: SnapshotScheduleRecord,
  volume: ScheduledVolume,
  tickMs: number,
  region: string,
): SnapshotRecord {
  const { namespace, template } = declaration.spec
  const time = new Date(tickMs).toISOString().replace(/[-:]|\.\d+/g, '')
  const snapshot: SnapshotDeclaration = {
    kind: 'Snapshot',
    name: `${declaration.name}:${volume.name}:${time}`,
    labels: { 'mooring.dev/schedule': declaration.name },
    place: declaration.place,
    spec: {
      namespace,
      volume: volume.name,
      ...(template?.parameters === undefined ? {} : { parameters: template.parameters }),
      ...(template?.secrets === undefined ? {} : { secrets: template.secrets }),
      deletionPolicy: 'Retain',
      suspend: false,
    },
  }
  const key = snapshotKey(namespace, snapshot.name)
  return {
    kind: 'Snapshot',
    key,
    declaration: snapshot,
    csiName: csiNameFor(key, snapshot, region),
    incarnation: 0,
    schedule: { schedule: scheduleKey, volume: volume.key, tickMs, isExpired: false },
    status: { conditions: [] },
  }
}
