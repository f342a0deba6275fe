import type { SnapshotScheduleDeclaration, VolumeDeclaration } from '../declare/declaration.ts'

/** Whether the schedule takes snapshots of the volume. The name of a perAlloc declaration selects all its instances. */
export function selectsVolume({ spec }: SnapshotScheduleDeclaration, volume: VolumeDeclaration): boolean {
  if (volume.spec.namespace !== spec.namespace) return false
  const labels = Object.entries(spec.volumes.selector?.matchLabels ?? {})
  return (
    spec.volumes.names?.includes(volume.instance?.name ?? volume.name) === true ||
    (labels.length > 0 && labels.every(([label, value]) => volume.labels[label] === value))
  )
}
