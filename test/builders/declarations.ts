import type {
  HostVolumeDeclaration,
  Place,
  SnapshotDeclaration,
  SnapshotScheduleDeclaration,
  VolumeDeclaration,
} from '../../src/operator/declare/declaration.ts'

/** A place in a source; what a test does not name is the same for all. */
export function place(file: string, document = 0, source = 'declarations'): Place {
  return { source, file, document, line: 1 + document * 10, column: 1 }
}

/** A valid volume declaration of the name, with what matters in this test. */
export function volume(
  name: string,
  spec: Partial<VolumeDeclaration['spec']> = {},
  at: Place = place(`${name}.yaml`),
  labels: Record<string, string> = {},
): VolumeDeclaration {
  return {
    kind: 'Volume',
    name,
    labels,
    place: at,
    spec: {
      volumeID: name,
      namespace: 'default',
      pluginID: 'directories',
      capabilities: [{ accessMode: 'single-node-writer', attachmentMode: 'file-system' }],
      deletionPolicy: 'Retain',
      finalSnapshot: false,
      driftPolicy: 'Correct',
      suspend: false,
      ...spec,
    },
  }
}

/** A valid declaration of a host volume. */
export function hostVolume(
  name: string,
  spec: Partial<HostVolumeDeclaration['spec']> = {},
  at: Place = place(`${name}.yaml`),
): HostVolumeDeclaration {
  return {
    kind: 'HostVolume',
    name,
    labels: {},
    place: at,
    spec: {
      name,
      namespace: 'default',
      pluginID: 'mkdir',
      placement: {},
      deletionPolicy: 'Retain',
      suspend: false,
      ...spec,
    },
  }
}

/** A valid snapshot declaration of the volume declared as `of`. */
export function snapshot(
  name: string,
  of: string,
  spec: Partial<SnapshotDeclaration['spec']> = {},
  at: Place = place(`${name}.yaml`),
): SnapshotDeclaration {
  return {
    kind: 'Snapshot',
    name,
    labels: {},
    place: at,
    spec: { namespace: 'default', volume: of, deletionPolicy: 'Retain', suspend: false, ...spec },
  }
}

/** A valid schedule, every day at three o'clock in universal time, of the volumes named. */
export function schedule(
  name: string,
  volumes: readonly string[],
  spec: Partial<SnapshotScheduleDeclaration['spec']> = {},
): SnapshotScheduleDeclaration {
  return {
    kind: 'SnapshotSchedule',
    name,
    labels: {},
    place: place(`${name}.yaml`),
    spec: {
      namespace: 'default',
      schedule: '0 3 * * *',
      timeZone: 'Etc/UTC',
      startingDeadlineSeconds: 3600,
      jitterSeconds: 0,
      volumes: { names: volumes },
      suspend: false,
      ...spec,
    },
  }
}
