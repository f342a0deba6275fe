import { type Explanations, type Named, run } from './explanation.ts'

/** What is declared cannot be followed. */
export const declared = {
  Invalid: {
    happened: 'A file or an object has a mistake, so what it declares cannot be used.',
    data: 'Nothing changes. Where an earlier version was valid, the volume or snapshot stays as that version left it.',
    mooring: 'It reads the file or the object again as soon as it changes.',
    person: {
      correct: () => 'Correct the mistake that the message names.',
      correctObject: () => 'Correct the object.',
      seeObject: () => "See the object's status for the error.",
      validate: () => `To find all mistakes of a folder at once, run ${run('mooring', 'validate', 'FOLDER')}`,
      keep: () => keepInstead,
    },
  },
  OwnedElsewhere: {
    happened: 'The same volume, snapshot or schedule is declared in two places.',
    data: 'It stays as the older place declares it. The second declaration changes nothing, and its removal ends nothing.',
    mooring: 'It follows the older place until one of the two is gone.',
    person: { removeOne: () => 'Remove one of the two.' },
  },
  IdentityChanged: {
    happened:
      'A document, or an object, declared one thing and now declares another under a different identity.',
    data: 'The old volume or snapshot stays as it is. The new one is not made.',
    mooring: 'It does neither, because a changed name could be a delete and a create by mistake.',
    person: {
      declareElsewhere: () =>
        'Declare the new one in another file. To end the old one by its deletionPolicy, remove this document.',
    },
  },
  NameTaken: {
    happened: 'Another declaration, another volume in Nomad or an older snapshot has the same name.',
    data: 'Nothing is created, because the plugin could answer with the data of the other one.',
    mooring: 'It looks again every few seconds, and goes on when the name is free.',
    person: {
      changeOne: () => 'Change one of the two.',
      deregister: () => 'Deregister that volume, or change this declaration.',
      find: ({ namespace, otherVolume }: Named<'namespace' | 'otherVolume'>) =>
        `To look at the volume that has the name in Nomad, run ${run('nomad', 'volume', 'status', '-namespace', namespace, otherVolume)}`,
      otherName: () => 'Give the declaration another spec.name, or none.',
      cancelRestore: ({ target }: Named<'target'>) =>
        `Deregister that volume, or cancel the restore with ${run('mooring', 'restore', target, '--undo')}`,
    },
  },
  ExternalIDTaken: {
    happened: 'Another declaration or another volume in Nomad already has the same external volume.',
    data: 'Nothing is registered. Two volumes over one external volume could both write to it, and the end of one could delete the data of both.',
    mooring: 'It looks again every few seconds, and goes on when the other one is gone.',
    person: {
      changeOne: () => 'Change one of the two.',
      deregister: () => 'Deregister that volume, or change this declaration.',
      find: ({ namespace, otherVolume }: Named<'namespace' | 'otherVolume'>) =>
        `To look at the volume that has it in Nomad, run ${run('nomad', 'volume', 'status', '-namespace', namespace, otherVolume)}`,
      cancelRestore: ({ target }: Named<'target'>) =>
        `Deregister that volume, or cancel the restore with ${run('mooring', 'restore', target, '--undo')}`,
    },
  },
  ExternalIDNotAllowed: {
    happened:
      'An object in Kubernetes names something at the storage provider that was not made for its namespace.',
    data: 'Nothing changes. The data of others cannot be reached by naming their ID.',
    mooring: 'It goes on when the declaration no longer names the ID, or an administrator allows it.',
    person: {
      allow: ({ kubernetesNamespace, pattern }: Named<'kubernetesNamespace' | 'pattern'>) =>
        `Remove it from the declaration, or an administrator can allow it with ${run('--allow-external-ids', `${kubernetesNamespace}=${pattern}`)} of the operator (allowExternalIDs of the chart)`,
      allowInCluster: ({
        cluster,
        kubernetesNamespace,
        pattern,
      }: Named<'cluster' | 'kubernetesNamespace' | 'pattern'>) =>
        `Remove it from the declaration, or an administrator can allow it in NomadCluster "${cluster}", with spec.allowExternalIDs: {${kubernetesNamespace}: [${JSON.stringify(pattern)}]}`,
    },
  },
  SnapshotNotAdoptable: {
    happened: 'The field spec.snapshotID names no snapshot of the volume in spec.volume.',
    data: 'Nothing changes. No snapshot is taken in its place, because it would hold other data.',
    mooring: 'It reads the list of the plugin again, and adopts the snapshot when the declaration fits.',
    person: {
      correct: () =>
        'Correct spec.snapshotID or spec.volume. To see what nobody manages, run `mooring orphans`',
    },
  },
  SharedExternalID: {
    happened:
      'Several volumes have one external ID and differ only in their context, such as the shares of one NFS server.',
    data: 'The data are safe. A call to the plugin carries the ID alone, so it could reach the data of another volume.',
    mooring: 'It refuses what such a call would do: delete, grow, snapshot, clone or detach.',
    person: {
      deregister: () => 'Set deletionPolicy to Deregister or Retain.',
      declareAndRemove: () =>
        'Declare the volume with deletionPolicy Deregister or Retain, and remove it again.',
      growOutside: () => 'Let the storage provider grow it, and remove spec.capacity from the declaration.',
      detachOutside: () => 'Stop what uses these volumes on the node, and detach it at the storage provider.',
      copyByJob: () => 'Copy the data by a job that mounts both volumes.',
      backUpByJob: () => 'Do not declare snapshots of it, and back it up by a job that mounts it.',
    },
  },
  ClusterNotFound: {
    happened: 'An object names a NomadCluster in spec.cluster that does not exist or was never reached.',
    data: 'Nothing changes.',
    mooring: 'It goes on when the NomadCluster is there and can be reached.',
    person: {
      look: ({ cluster }: Named<'cluster'>) => `See ${run('kubectl', 'describe', 'nomadcluster', cluster)}`,
    },
  },
  VolumeHasInstances: {
    happened: 'The name belongs to a declaration with perAlloc, which stands for several volumes.',
    data: 'Nothing is taken or cloned, because it is not clear from which volume.',
    mooring: 'It waits for a declaration that names one of them.',
    person: { nameOne: ({ id }: Named<'id'>) => `Name one of them, such as ${id}[0]` },
  },
  ClockLeapt: {
    happened: 'The date of this machine moved further or less far than the time that passed.',
    data: 'Snapshots are taken by the time that passed. None expires, so a wrong date deletes nothing.',
    mooring: 'It goes on by itself when the date is right again.',
    person: {
      setClock: () => 'If the date is wrong, set the clock.',
      trust: ({ target }: Named<'target'>) =>
        `If it is right, run ${run('mooring', 'snapshot', 'trust-clock', target)}`,
      annotate: () => 'In Kubernetes, annotate the schedule mooring.dev/trust-clock with any new value.',
    },
  },
  RetentionUnsupported: {
    happened:
      'The plugin cannot list snapshots, so nobody knows whether those of this schedule are ready to use.',
    data: 'The schedule still takes snapshots. The ones in doubt neither expire nor count as a backup.',
    mooring: 'It expires those of which it knows.',
    person: {
      keep: ({ namespace }: Named<'namespace'>) =>
        `Keep each by ${run('mooring', 'snapshot', 'keep', `${namespace}/SNAPSHOT`)}`,
      removeRetention: () => 'Or remove spec.retention.',
    },
  },
} satisfies Explanations

/** How to keep what a deleted object stands for. */
export const keepInstead =
  'To keep the volume or snapshot and remove only the object, annotate it mooring.dev/release=retain.'
