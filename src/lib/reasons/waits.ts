import { type Explanations, type Named, run } from './explanation.ts'

const stays = 'The data are safe. What is there stays as it is.'
const notYet = 'Nothing exists yet, so no data are at risk.'

/** Something else has to happen first. */
export const waits = {
  New: {
    happened: 'It was declared a moment ago, and no pass has looked at it yet.',
    data: 'Nothing has changed.',
    mooring: 'It looks at it next.',
    person: {},
  },
  InUse: {
    happened: 'Something uses the volume, so it cannot be changed or end now.',
    data: stays,
    mooring: 'It looks every few seconds, and goes on when the last claim is gone.',
    person: {
      stop: () => 'Stop the jobs whose allocations the message names, or wait until they end.',
      look: ({ namespace, id }: Named<'namespace' | 'id'>) =>
        `To see who uses the volume, run ${run('nomad', 'volume', 'status', '-namespace', namespace, id)}`,
    },
  },
  NotSchedulable: {
    happened: 'The volume is as declared, but its plugin is not healthy enough to attach it.',
    data: 'The data are safe. Allocations that need the volume wait or fail.',
    mooring: 'It looks every few seconds.',
    person: {
      look: ({ pluginID }: Named<'pluginID'>) =>
        `To see what is not healthy, run ${run('nomad', 'plugin', 'status', pluginID)}`,
    },
  },
  NoNode: {
    happened: 'No node can have the host volume now.',
    data: notYet,
    mooring: 'It looks at the nodes every few seconds, and creates the volume when one can have it.',
    person: {
      nodes: () =>
        'Make a node of the declared pool ready and eligible, or install the plugin on it. Or change spec.placement or spec.pluginID.',
      look: () => `To see the nodes, run ${run('nomad', 'node', 'status')}`,
    },
  },
  HostVolumePending: {
    happened: 'Nomad has the host volume, and its node has not reported it yet.',
    data: stays,
    mooring: 'It looks every few seconds.',
    person: {},
  },
  HostVolumeUnavailable: {
    happened: 'The node of the host volume is away, or no longer has the volume.',
    data: 'The data are on that node, if its disk is whole. Mooring makes no other volume in its place.',
    mooring: 'It looks every few seconds, and goes on when the node has the volume again.',
    person: {
      bringBack: () => 'Bring the node back, with its disk.',
      force: ({ namespace, externalID }: Named<'namespace' | 'externalID'>) =>
        `If the node never comes back, let Nomad forget the volume: run ${run('nomad', 'volume', 'delete', '-type', 'host', '-force', '-namespace', namespace, externalID)}. Then it has vanished, and mooring recreate makes a blank one.`,
    },
  },
  NoRoom: {
    happened: 'The plugin has less room left than the declaration asks for.',
    data: notYet,
    mooring: 'It asks every minute, and creates the volume when there is room.',
    person: { free: () => 'Free some room at the storage provider, or lower spec.capacity.min.' },
  },
  NodeNotFeasible: {
    happened: 'No node is as the declaration asks for, or the one that was chosen no longer is.',
    data: notYet,
    mooring: 'It looks again, at new nodes too.',
    person: {
      look: () => `To see the nodes and their pools, run ${run('nomad', 'node', 'status')}`,
      change: () => 'Change spec.placement, or bring a node that meets it, with the plugin on it.',
    },
  },
  NodeDraining: {
    happened: 'The volume is to grow, and a node that uses it drains.',
    data: stays,
    mooring: 'It grows the volume when the drain is over.',
    person: {},
  },
  OfflineExpansionOnly: {
    happened: 'The plugin grows a volume only while nothing uses it.',
    data: stays,
    mooring: 'It tries again, and grows the volume when nothing uses it.',
    person: { stop: () => 'Stop the jobs that use the volume, and start them again afterwards.' },
  },
  SnapshotNotReady: {
    happened: 'The volume is to be made from a snapshot that is not ready to use.',
    data: notYet,
    mooring: 'It creates the volume when the snapshot is ready.',
    person: {
      look: ({ namespace }: Named<'namespace'>) =>
        `To see why it is not ready, run ${run('mooring', 'describe', 'snapshot', `${namespace}/SNAPSHOT`)}`,
    },
  },
  NotReadyToUse: {
    happened: 'The snapshot is taken, and the plugin has not finished it.',
    data: 'The snapshot cannot be restored from yet.',
    mooring: 'It asks every two seconds until the snapshot is ready.',
    person: {},
  },
  VolumeNotReady: {
    happened: 'The volume that it is made from does not exist yet, or a restore of it is running.',
    data: 'Nothing is taken, because it would not be clear of which data.',
    mooring: 'It goes on when the volume is there.',
    person: {
      correct: () => 'If there is no such volume, correct the name or declare the volume.',
      look: () => `To see all volumes, run ${run('mooring', 'get', 'volumes')}`,
    },
  },
  VolumeLost: {
    happened: 'The external volume of the snapshot or the run is lost.',
    data: 'No snapshot is taken of a lost volume. Earlier snapshots stay, and none of them expires for a failed one.',
    mooring: 'It goes on when the volume is back or was given up.',
    person: {
      look: ({ namespace }: Named<'namespace'>) =>
        `To see what to do about the volume, run ${run('mooring', 'explain', 'volume', `${namespace}/VOLUME`)}`,
    },
  },
  ListIncomplete: {
    happened: "The plugin's list has entries that cannot be read, and this may be one of them.",
    data: 'Nothing is taken for lost.',
    mooring: 'It reads the list again.',
    person: { look: () => "Look at the plugin's log, if this stays." },
  },
  NoVolumes: {
    happened: 'The schedule selects no declared volume.',
    data: 'No snapshot is taken.',
    mooring: 'It looks again when a declaration changes.',
    person: { correct: () => 'Check the names and labels in spec.volumes' },
  },
  ObjectiveMissed: {
    happened: 'The newest good snapshot of a volume is older than spec.objectives.age allows.',
    data: 'What was written since that snapshot is in no snapshot. Nothing is lost, and earlier ones stay.',
    mooring: 'It takes the next one as scheduled, and is Ready again when it is good.',
    person: {
      look: () =>
        'The message says why the last runs took none. If the schedule is rarer than the goal, correct one of them.',
      now: ({ target }: Named<'target'>) =>
        `To take one now, run ${run('mooring', 'snapshot', 'now', target)}`,
    },
  },
  RunWaits: {
    happened: 'A run of the schedule is due, and something has to happen first.',
    data: 'The snapshot is not taken yet. Earlier ones stay.',
    mooring: 'It takes the snapshot when it can, until spec.startingDeadlineSeconds are over.',
    person: { look: () => 'Look at the volume that the message names.' },
  },
  SecretNotFound: {
    happened: 'A secret that the declaration names cannot be found or read.',
    data: stays,
    mooring: 'It looks again every few seconds, and goes on when the secret is there.',
    person: {
      setVariable: ({ variable }: Named<'variable'>) =>
        `Set ${variable} in the environment, and restart mooring`,
      makeReadable: () => 'Make the file readable',
      useOther: () => 'Use fromFile, fromEnv or fromVariable here',
      useSecret: () => 'Use fromSecret',
      secretsDir: () => 'Give that flag',
      create: () => 'Create what the message names, or correct the name in spec.secrets.',
    },
  },
  Suspended: {
    happened: 'A person suspended it, by a command or by spec.suspend.',
    data: 'Nothing is done: nothing is created, changed, taken or ended.',
    mooring: 'It waits until it is resumed.',
    person: {
      resume: ({ kind, target }: Named<'kind' | 'target'>) =>
        `If a command suspended it, run ${run('mooring', 'resume', kind, target)}`,
      declare: () => 'If spec.suspend is true, set it to false.',
    },
  },
  ReadOnly: {
    happened: 'A step is due, and the operator runs with --read-only.',
    data: 'Nothing changes.',
    mooring: 'It only reports what it would do.',
    person: { write: () => 'To let it act, run the operator without --read-only.' },
  },
  NotLeader: {
    happened: 'Another replica of the operator leads.',
    data: 'Nothing changes here. The leader does the work.',
    mooring: 'It stands by, and takes over if the leader goes away.',
    person: {},
  },
  ObjectEnding: {
    happened: 'The object is gone or is being deleted.',
    data: 'Nothing new is started for it.',
    mooring: 'It ends what the object stood for, by its deletionPolicy.',
    person: {},
  },
  DetachNotProven: {
    happened: 'A node should be detached, and Nomad is just learning about it again.',
    data: 'The data are safe. The volume stays attached.',
    mooring: 'It looks every 30 seconds, and detaches when Nomad knows that nothing writes there.',
    person: {},
  },
  DetachNodeUnknown: {
    happened: 'An allocation that no longer exists still claims the volume, and Mooring never saw its node.',
    data: 'The data are safe. The claim may keep other allocations away.',
    mooring: 'It looks every 30 seconds.',
    person: {
      wait: () =>
        'Nomad frees such a claim by itself, within minutes or after the next write of a CSI volume.',
    },
  },
  DetachFailed: {
    happened: 'Detaching a node failed.',
    data: 'The data are safe. The volume is still attached there.',
    mooring: 'It retries after 30 seconds, and later each time, up to 10 minutes.',
    person: { look: () => "Look at the plugin's log." },
  },
  DetachWithoutEffect: {
    happened: 'Nomad answered that the node is detached, and it is not.',
    data: 'The data are safe. The volume is still attached there.',
    mooring: 'It retries after 30 seconds, and later each time, up to 10 minutes.',
    person: { look: () => "Look at the plugin's log." },
  },
  DetachUnsupported: {
    happened: 'This release of Nomad cannot detach: it fails before it does anything.',
    data: 'The data are safe. The claims of ended allocations stay for a while.',
    mooring: 'It writes the volume again unchanged, after which Nomad frees the claims of ended allocations.',
    person: {
      wait: () =>
        'Nomad frees the claims of ended allocations by itself, within minutes or after the next write of a CSI volume.',
      force: ({ namespace, id }: Named<'namespace' | 'id'>) =>
        `If it does not, run ${run('nomad', 'volume', 'deregister', '-force', '-namespace', namespace, id)}. Mooring then registers the volume again.`,
    },
  },
  ClaimsUnknown: {
    happened: 'Mooring cannot read where the volume is attached.',
    data: 'The data are safe. No node is detached.',
    mooring: 'It looks every 30 seconds.',
    person: { grant: () => 'If the message speaks of rights, give the token node:read and read-job.' },
  },
} satisfies Explanations
