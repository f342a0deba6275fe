import Type from 'typebox'
import { Identifier } from './fields.ts'

/**
 * The status of objects. Only the operator writes it, so lists are written whole. There are no limits: a status that is
 * refused for its length would hide everything else. Times are RFC 3339, capacities quantities. The three conditions are
 * those of kstatus.
 */

const text = (description: string) => Type.Optional(Type.String({ description }))
const time = (description: string) => Type.Optional(Type.String({ format: 'date-time', description }))
const quantity = (description: string) => text(`${description} A quantity, such as 10Gi.`)
const list = (description: string) =>
  Type.Optional(
    Type.Array(Type.String(), {
      'x-kubernetes-list-type': 'atomic',
      description,
    }),
  )

const Condition = Type.Object(
  {
    type: Type.String({ maxLength: 316, description: 'Ready, Reconciling or Stalled.' }),
    status: Type.Enum(['True', 'False', 'Unknown'], { description: 'Whether it holds.' }),
    observedGeneration: Type.Optional(
      Type.Integer({
        format: 'int64',
        minimum: 0,
        description: 'metadata.generation that it was found with.',
      }),
    ),
    lastTransitionTime: Type.String({ format: 'date-time', description: 'When status changed last.' }),
    reason: Type.String({
      minLength: 1,
      maxLength: 1024,
      pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
      description: 'Why, in one word that programs read.',
    }),
    message: Type.String({ maxLength: 32_768, description: 'Why, as a person reads it, and what to do.' }),
  },
  { additionalProperties: false, description: 'One condition.' },
)

const LastStep = Type.Optional(
  Type.Object(
    {
      step: Type.String({ description: 'What was done, such as create.' }),
      why: Type.String({ description: 'Why it was done.' }),
      outcome: Type.Enum(['done', 'failed'], { description: 'How it ended.' }),
      time: Type.String({ format: 'date-time', description: 'When it ended so last.' }),
      times: Type.Integer({ format: 'int32', minimum: 1, description: 'How often in a row it ended so.' }),
      error: text('Why it failed.'),
    },
    { additionalProperties: false, description: 'The latest thing that Mooring did for it.' },
  ),
)

const common = {
  observedGeneration: Type.Optional(
    Type.Integer({
      format: 'int64',
      minimum: 0,
      description: 'metadata.generation that the rest of the status is about.',
    }),
  ),
  conditions: Type.Optional(
    Type.Array(Condition, {
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
      description:
        'Ready: it is as declared. Reconciling: Mooring is at work, or waits for something. Stalled: a person has to act.',
    }),
  ),
}

/** Fields of every kind that stands for something in Nomad. */
const declared = {
  ...common,
  namespace: text('Nomad namespace that it is in.'),
  lastStep: LastStep,
  lastHandledReconcileAt: text(
    'Value of the annotation mooring.dev/reconcile-at that was last acted on: a new value asks for a pass now.',
  ),
}

const StatusObject = <Properties extends Type.TProperties>(properties: Properties) =>
  Type.Object(properties, { additionalProperties: false, description: 'What Mooring found and did.' })

const volumeFacts = {
  volumeID: text("The volume's ID in Nomad."),
  name: text('Name that the plugin was given. It was chosen once and stays.'),
  // It has a limit because rules compare it.
  externalID: Type.Optional(
    Identifier("The storage provider's ID. Once it is known no other volume is ever created here."),
  ),
  capacity: quantity('Capacity that the plugin reports.'),
  schedulable: Type.Optional(
    Type.Boolean({ description: 'Whether Nomad would place an allocation that uses it.' }),
  ),
  claims: list('IDs of the allocations that hold it.'),
  attachedNodes: list(
    'IDs of the Nomad nodes where an allocation holds it, or to which its plugin lists it as published.',
  ),
}

const Instance = Type.Object(
  {
    index: Type.Integer({ format: 'int32', minimum: 0, description: 'The n of [n], from 0.' }),
    ready: Type.Enum(['True', 'False', 'Unknown'], { description: 'As the condition Ready, of this one.' }),
    reason: Type.String({ description: 'Why, in one word that programs read.' }),
    message: text('Why, as a person reads it, and what to do.'),
    ...volumeFacts,
  },
  { additionalProperties: false, description: 'One instance.' },
)

export const VolumeStatus = StatusObject({
  ...declared,
  ...volumeFacts,
  unreadable: list(
    'Fields that an update would wipe: Nomad never shows them, and this object does not give them.',
  ),
  instances: Type.Optional(
    Type.Array(Instance, {
      // As a map, each of up to a thousand entries would appear in metadata.managedFields.
      'x-kubernetes-list-type': 'atomic',
      description: 'With perAlloc: each volume that is declared, or managed still.',
    }),
  ),
  lastHandledRestoreFrom: text(
    'Value of the annotation mooring.dev/restore-from that was last acted on: the same value restores once.',
  ),
  lastHandledNodeIsDead: text(
    'Value of the annotation mooring.dev/node-is-dead that was last acted on: a word is good once.',
  ),
})
export type VolumeStatus = Type.Static<typeof VolumeStatus>

export const SnapshotStatus = StatusObject({
  ...declared,
  name: text('Name that the plugin was given. It was chosen once and stays.'),
  pluginID: text('ID of the plugin that holds it.'),
  snapshotID: Type.Optional(
    Identifier("The storage provider's ID. Once it is known the snapshot is never taken again."),
  ),
  externalSourceVolumeID: text("The storage provider's ID of the volume that it was taken of."),
  size: quantity('Size that the plugin reports: what a volume made of it needs at least.'),
  createTime: time('When it was taken, as the plugin says.'),
  ready: Type.Optional(Type.Boolean({ description: 'Whether a volume can be made of it.' })),
})
export type SnapshotStatus = Type.Static<typeof SnapshotStatus>

export const SnapshotScheduleStatus = StatusObject({
  ...declared,
  nextRun: time('When snapshots are taken next.'),
  lastRun: time('The time of the schedule for which snapshots were taken last.'),
  lastHandledSnapshotNow: text(
    'Value of the annotation mooring.dev/snapshot-now that was last acted on: a new value asks for a run now.',
  ),
  lastHandledTrustClock: text(
    'Value of the annotation mooring.dev/trust-clock that was last acted on: a new value confirms the date.',
  ),
  lastMissedRun: time('The last time of the schedule for which none was taken.'),
  kept: Type.Optional(
    Type.Record(
      Type.String(),
      Type.Array(Type.String(), {
        'x-kubernetes-list-type': 'atomic',
        description: 'The rules that keep this snapshot.',
      }),
      { description: 'For each snapshot of this schedule that stays, by its name: the rules that keep it.' },
    ),
  ),
})
export type SnapshotScheduleStatus = Type.Static<typeof SnapshotScheduleStatus>

export const HostVolumeStatus = StatusObject({
  ...declared,
  name: text('Name of the volume in Nomad.'),
  // It has a limit because rules compare it.
  volumeID: Type.Optional(
    Identifier("Nomad's ID of the volume. Once it is known no other volume is ever created here."),
  ),
  nodeID: text("Nomad's ID of the node that the volume is on."),
  capacity: quantity('Capacity that the plugin reports. The plugin mkdir reports none.'),
  claims: list('IDs of the allocations that use it.'),
})
export type HostVolumeStatus = Type.Static<typeof HostVolumeStatus>

export const NomadClusterStatus = StatusObject({
  ...common,
  version: text(
    "Version of the region's servers, several where they differ; the token needs node read for it.",
  ),
  region: text('Region that is asked.'),
})
export type NomadClusterStatus = Type.Static<typeof NomadClusterStatus>
