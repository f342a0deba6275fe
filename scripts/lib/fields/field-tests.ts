import type { KubernetesKind } from '../../../src/operator/declare/kinds.ts'

/** A test of the repository: its file, and a title in it. */
export type TestReference = readonly [file: string, title: string]

const parse = 'test/unit/operator/declare/parse-declarations.test.ts'
const readObject = 'test/unit/operator/declare/read-object.test.ts'
const scheduleSpec = 'test/unit/operator/declare/snapshot-schedule.test.ts'
const identity = 'test/unit/operator/plan/identity.test.ts'
const ownership = 'test/unit/operator/desired/ownership.test.ts'
const retention = 'test/unit/operator/plan/retention.test.ts'
const scheduleTimes = 'test/unit/operator/plan/schedule-times.test.ts'
const snapshotPlan = 'test/unit/operator/plan/snapshot-plan.test.ts'
const snapshotAdoption = 'test/unit/operator/plan/snapshot-adoption.test.ts'
const volumePlan = 'test/unit/operator/plan/volume-plan.test.ts'
const fields = 'test/unit/operator/reconcile/fields.test.ts'
const perAllocPasses = 'test/unit/operator/reconcile/per-alloc.test.ts'
const detachPasses = 'test/unit/operator/reconcile/detach.test.ts'
const schedules = 'test/unit/operator/reconcile/schedule.test.ts'
const hostVolumeSpec = 'test/unit/operator/declare/host-volume.test.ts'
const hostVolumePlan = 'test/unit/operator/plan/host-volume-plan.test.ts'
const hostVolumePasses = 'test/unit/operator/reconcile/host-volume.test.ts'
const pains = 'test/unit/pains.test.ts'
const policies = 'test/integration/policies.test.ts'
const up = 'test/integration/up.test.ts'

const request: TestReference = [
  pains,
  'every field of a declaration reaches the request, mount flags among them (terraform-provider-nomad#260)',
]
const snapshotRequest: TestReference = [
  pains,
  'a snapshot is taken and deleted with its own name, parameters and secrets (nomad#10639, nomad#25976, democratic-csi#303)',
]
const written: TestReference = [parse, 'a volume keeps every field that it gives']
const cluster: TestReference = [
  readObject,
  'is read as the same YAML in a file is, in the namespace that its own is mapped to',
]
const template: TestReference = [
  fields,
  'a schedule takes snapshots with the parameters and secrets of its template',
]
const byLabel: TestReference = [schedules, 'selects volumes by label, and each has its own snapshot']
const objective: TestReference = [
  schedules,
  'is not ready while the newest good snapshot of a volume is older than its objective, and is again with the next',
]
const latest: TestReference = [
  'test/unit/operator/reconcile/latest-snapshot.test.ts',
  'is made from the newest ready snapshot of a schedule, which its plan names',
]
const perAlloc: TestReference = [
  perAllocPasses,
  'makes each volume by itself, and retains what a lowered count leaves out, without --prune',
]
const freed: TestReference = [
  detachPasses,
  'frees a claim whose allocation ended, with the proof in the history (nomad#8057)',
]
const connection: TestReference = [readObject, 'is an address and references to Secrets']

const hostVolumeFields: TestReference = [hostVolumeSpec, 'keeps every field that it gives']

const document: Readonly<Record<string, TestReference>> = {
  apiVersion: [parse, 'empty documents do not count, documents of others are counted and skipped'],
  kind: [parse, 'empty documents do not count, documents of others are counted and skipped'],
  metadata: written,
  'metadata.labels': written,
  'metadata.annotations': [parse, 'keys with our prefix are reserved'],
}

/** For every field of every kind, a test that shows what it does. */
export const fieldTests: Readonly<Record<KubernetesKind['kind'], Readonly<Record<string, TestReference>>>> = {
  Volume: {
    ...document,
    'metadata.name': [parse, 'a volume has its defaults filled in and its place'],
    'metadata.labels': byLabel,
    spec: written,
    'spec.cluster': cluster,
    'spec.volumeID': [identity, 'is the Nomad identity and not the name of file or object'],
    'spec.namespace': [up, 'keeps equal volume IDs in two Nomad namespaces as two directories'],
    'spec.name': [ownership, 'the same CSI name'],
    'spec.pluginID': [volumePlan, 'waits for a plugin that Nomad does not know'],
    'spec.externalID': [volumePlan, 'registers a declared external volume'],
    'spec.source': [volumePlan, 'ignores its source once the volume exists'],
    'spec.source.snapshot': [
      up,
      'makes the examples real: listed by the API, directories in the pool, a restored file',
    ],
    'spec.source.snapshotID': request,
    'spec.source.volume': [fields, 'source.volume is the external ID of the declared volume that is cloned'],
    'spec.source.latest': latest,
    'spec.source.latest.schedule': latest,
    'spec.source.latest.volume': latest,
    'spec.source.latest.orElse': latest,
    'spec.source.cloneID': [fields, 'source.cloneID is sent as it stands'],
    'spec.perAlloc': perAlloc,
    'spec.perAlloc.count': perAlloc,
    'spec.perAlloc.whenScaled': [
      perAllocPasses,
      'registers again what it deregistered, and makes no second external volume',
    ],
    'spec.detach': freed,
    'spec.detach.policy': freed,
    'spec.detach.nodes': [
      detachPasses,
      'frees a node of detach.nodes from an attachment that nothing claims (nomad#8232)',
    ],
    'spec.capacity': request,
    'spec.capacity.min': [volumePlan, 'grows a volume that is smaller than declared'],
    'spec.capacity.max': [volumePlan, 'reports a maximum below the capacity'],
    'spec.capabilities': [parse, 'capabilities are needed, and each only once'],
    'spec.capabilities[].accessMode': [volumePlan, 'changes capabilities'],
    'spec.capabilities[].attachmentMode': request,
    'spec.mountOptions': [volumePlan, 'holds mount options while the volume is in use (nomad#25592)'],
    'spec.mountOptions.fsType': request,
    'spec.mountOptions.mountFlags': request,
    'spec.topology': [
      pains,
      'a topology that differs is named, and what Nomad never shows is listed (terraform-provider-nomad#337)',
    ],
    'spec.topology.required': request,
    'spec.topology.preferred': request,
    'spec.parameters': request,
    'spec.context': [parse, 'a registered volume may have the context of its plugin'],
    'spec.secrets': [volumePlan, 'applies secrets that changed'],
    'spec.deletionPolicy': [
      up,
      'follows files as they are added, edited and removed, each by its deletionPolicy',
    ],
    'spec.finalSnapshot': [
      policies,
      'finalSnapshot leaves a snapshot with what the volume held when it was deleted',
    ],
    'spec.driftPolicy': [policies, 'driftPolicy Report says what somebody else changed, and leaves it'],
    'spec.suspend': [volumePlan, 'does nothing while suspended'],
  },
  Snapshot: {
    ...document,
    'metadata.name': [parse, 'a snapshot has its defaults filled in'],
    spec: [parse, 'a snapshot has its defaults filled in'],
    'spec.cluster': [readObject, 'is a snapshot that a schedule made'],
    'spec.namespace': [fields, 'a snapshot is of the volume of its own Nomad namespace'],
    'spec.volume': [snapshotPlan, 'takes it once its volume exists'],
    'spec.name': [fields, 'a snapshot has the CSI name that it gives'],
    'spec.snapshotID': [
      snapshotAdoption,
      'adopts a snapshot that is there, takes none, and deletes it only when it is removed under Delete',
    ],
    'spec.parameters': snapshotRequest,
    'spec.secrets': snapshotRequest,
    'spec.deletionPolicy': [snapshotPlan, 'deletes it under Delete, whatever a list says that may be behind'],
    'spec.suspend': [fields, 'a suspended %s takes nothing'],
  },
  SnapshotSchedule: {
    ...document,
    'metadata.name': [schedules, 'takes one snapshot a run and says when the next is'],
    spec: [scheduleSpec, 'has defaults for all that it need not say'],
    'spec.cluster': ['test/unit/crds/rules.test.ts', 'cluster, given later'],
    'spec.namespace': [fields, 'a schedule selects volumes of its own Nomad namespace'],
    'spec.schedule': [schedules, 'takes one snapshot a run and says when the next is'],
    'spec.timeZone': [scheduleTimes, 'does not come twice in the night when clocks go back'],
    'spec.startingDeadlineSeconds': [schedules, 'misses a run beyond its deadline, and says so'],
    'spec.jitterSeconds': [fields, 'a schedule spreads its run over its jitter, and no volume waits longer'],
    'spec.volumes': [scheduleSpec, 'no volumes at all'],
    'spec.volumes.names': [schedules, 'takes one snapshot a run and says when the next is'],
    'spec.volumes.selector': byLabel,
    'spec.volumes.selector.matchLabels': byLabel,
    'spec.template': template,
    'spec.template.parameters': template,
    'spec.template.secrets': template,
    'spec.retention': [
      schedules,
      'keeps what its retention keeps, deletes the rest, and says which rule keeps each',
    ],
    'spec.retention.keepLast': [retention, 'keeps the newest by count'],
    'spec.retention.keepHourly': [retention, 'keeps the newest of each hour'],
    'spec.retention.keepDaily': [retention, 'keeps the newest of each day'],
    'spec.retention.keepWeekly': [retention, 'begins weeks on Monday'],
    'spec.retention.keepMonthly': [retention, 'keeps the newest of each month'],
    'spec.retention.maxAge': [retention, 'keeps by age alone where no count is given'],
    'spec.objectives': objective,
    'spec.objectives.age': objective,
    'spec.suspend': [fields, 'a suspended %s takes nothing'],
  },
  HostVolume: {
    ...document,
    'metadata.name': [hostVolumeSpec, 'has its defaults filled in, and its name in Nomad from metadata.name'],
    'metadata.labels': [
      hostVolumeSpec,
      'has its defaults filled in, and its name in Nomad from metadata.name',
    ],
    spec: hostVolumeFields,
    'spec.name': hostVolumeFields,
    'spec.cluster': ['test/unit/crds/rules.test.ts', 'cluster, given later'],
    'spec.namespace': hostVolumeFields,
    'spec.pluginID': [hostVolumePlan, 'reports another plugin'],
    'spec.placement': hostVolumeFields,
    'spec.placement.nodePool': [hostVolumePlan, 'reports another node pool'],
    'spec.placement.node': [hostVolumePlan, 'adopts the one on the declared node among several of its name'],
    'spec.placement.nodes': [hostVolumeSpec, 'is refused with %s, and the message says what to write'],
    'spec.capacity': hostVolumeFields,
    'spec.capacity.min': [hostVolumePlan, 'expands it while nothing uses it'],
    'spec.capacity.max': [hostVolumePlan, 'never shrinks it'],
    'spec.capabilities': [hostVolumePlan, 'reports other capabilities'],
    'spec.capabilities[].accessMode': hostVolumeFields,
    'spec.capabilities[].attachmentMode': hostVolumeFields,
    'spec.parameters': [hostVolumePasses, 'is made once, on a node that is recorded first'],
    'spec.deletionPolicy': [
      hostVolumePasses,
      'deletes it under Delete once nothing uses it, also where Nomad overlooks who does (nomad#27896)',
    ],
    'spec.suspend': [hostVolumePlan, 'does nothing while it is suspended'],
  },
  NomadCluster: {
    ...document,
    'metadata.name': connection,
    spec: connection,
    'spec.address': [readObject, 'is refused with %s'],
    'spec.region': connection,
    'spec.tlsServerName': connection,
    'spec.caCert': connection,
    'spec.caCert.name': connection,
    'spec.caCert.key': connection,
    'spec.token': connection,
    'spec.token.name': connection,
    'spec.token.key': connection,
    'spec.allowExternalIDs': [
      'test/integration/operator/kubernetes/tenants.test.ts',
      'may name in a NomadCluster what its object allows, and not before',
    ],
    'spec.clientCertificate': connection,
    'spec.clientCertificate.name': connection,
  },
}
