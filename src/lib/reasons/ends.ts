import { keepInstead } from './declared.ts'
import { type Explanations, type Named, run } from './explanation.ts'

/** An end that cannot go on until a person acts. */
export const blockedEnds = {
  TombstoneTaken: {
    happened:
      'Mooring deletes a volume under an ID that nothing can claim, and Nomad has another external volume under that ID.',
    data: 'Nothing is deleted.',
    mooring: 'It looks again, and goes on when the ID is free.',
    person: {
      deregister: ({ namespace, otherVolume }: Named<'namespace' | 'otherVolume'>) =>
        `Deregister it by hand: ${run('nomad', 'volume', 'deregister', '-namespace', namespace, otherVolume)}`,
    },
  },
  HasSnapshots: {
    happened: 'The plugin does not delete an external volume that has snapshots.',
    data: 'The volume and its snapshots stay.',
    mooring: 'It looks every minute whether the snapshots are gone.',
    person: {
      deleteSnapshots: () => 'Delete these snapshots, and the end continues.',
      keep: () => 'To keep the volume, declare it again.',
    },
  },
  DeleteRefused: {
    happened: 'The plugin refuses to delete the external volume, although Nomad does not use it.',
    data: 'The volume stays.',
    mooring: 'It retries every 10 minutes.',
    person: { look: () => "Look at the plugin's log." },
  },
  FinalSnapshotTooOld: {
    happened: 'The plugin answered the request for a final snapshot with one that was there before.',
    data: 'The volume is not deleted. It waits for a final snapshot of its own.',
    mooring: 'It asks again under another name.',
    person: { look: () => "If this repeats, look at the plugin's log." },
  },
  SecretNotSendable: {
    happened: "A secret has characters that Nomad's header cannot carry, and a delete must send it there.",
    data: 'Nothing is deleted.',
    mooring: 'It waits until the secret is another one.',
    person: {
      change: () =>
        'Change the secret at its plugin, or declare it again with deletionPolicy Retain and remove it: it then stays',
    },
  },
} satisfies Explanations

const confirmRemoval = ({ kind, target }: Named<'kind' | 'target'>) =>
  run('mooring', 'confirm-removal', kind, target)

const cancelEnd = ({ kind, target }: Named<'kind' | 'target'>) =>
  `To keep it and manage it no longer, run ${run('mooring', 'cancel-end', kind, target)}`

const nothingEnds = 'The volume or snapshot stays as it is. Nothing ends.'

/** No source declares it any more, and it does not end now. */
export const heldEnds = {
  NotReadYet: {
    happened: 'The operator has just started and has not read the sources once.',
    data: nothingEnds,
    mooring: 'It goes on after the first reading.',
    person: {},
  },
  PruneDisabled: {
    happened: 'The declaration was removed, and the operator runs without --prune.',
    data: nothingEnds,
    mooring: 'It keeps what was declared, and looks whether it is declared again.',
    person: { prune: () => 'To end it, run with --prune' },
  },
  PruneDelay: {
    happened: 'The declaration was removed a moment ago.',
    data: 'It ends by its deletionPolicy when --prune-delay is over and a second reading misses the declaration too.',
    mooring: 'It ends it at the time that the message names.',
    person: { keep: () => 'To keep it, declare it again.', cancel: cancelEnd },
  },
  TooManyEnds: {
    happened: 'More declarations were removed at once than --max-prune allows, which is probably a mistake.',
    data: nothingEnds,
    mooring: 'It waits for a person. Each one stays held until it is confirmed or declared again.',
    person: {
      keep: () => 'To keep it, declare it again.',
      cancel: cancelEnd,
      confirm: (names: Named<'kind' | 'target'>) => `If this removal is meant, run ${confirmRemoval(names)}`,
      confirmDelete: ({ deletedAt }: Named<'deletedAt'>) =>
        `To delete an object's volume or snapshot, annotate the object mooring.dev/confirm-delete=${deletedAt}.`,
      keepObject: () => keepInstead,
    },
  },
  SourceEmpty: {
    happened: 'The sources declare nothing at all, which is probably a mistake.',
    data: nothingEnds,
    mooring: 'It waits until the sources declare something, or a person confirms the removal.',
    person: {
      restore: () => 'Restore the declarations.',
      confirm: (names: Named<'kind' | 'target'>) => `If this removal is meant, run ${confirmRemoval(names)}`,
      allow: () =>
        'To let empty sources end the last declarations from now on, run the operator with --allow-empty.',
    },
  },
  SourceUnclear: {
    happened: 'The declaration is not where it was, and nobody saw its removal.',
    data: nothingEnds,
    mooring: 'It keeps the last declaration in force, and reads the source again.',
    person: {
      putBack: () => 'Put the declaration back.',
      correct: () => 'Correct what cannot be read.',
      confirm: (names: Named<'kind' | 'target'>) => `If its removal is meant, run ${confirmRemoval(names)}`,
    },
  },
  SourceNotRead: {
    happened: 'The source of the declaration is no longer one that the operator reads.',
    data: nothingEnds,
    mooring: 'It keeps the last declaration in force.',
    person: {
      readAgain: ({ source }: Named<'source'>) => `Run with --source ${source}.`,
      declareAgain: () => 'Declare it again in a folder that is read.',
      confirm: (names: Named<'kind' | 'target'>) => `If its removal is meant, run ${confirmRemoval(names)}`,
    },
  },
  CountingEnds: {
    happened: 'The object is being deleted.',
    data: nothingEnds,
    mooring: 'It counts for a second how many objects are deleted together, then decides.',
    person: {},
  },
  DeleteUnconfirmed: {
    happened: 'The object is deleted together with its namespace or with the kind itself.',
    data: 'The volume or snapshot stays until you confirm the delete.',
    mooring: 'It deletes nothing until you confirm it.',
    person: {
      confirm: ({ deletedAt }: Named<'deletedAt'>) =>
        `Annotate the object mooring.dev/confirm-delete=${deletedAt}.`,
      keep: () => keepInstead,
    },
  },
  HasDependents: {
    happened: 'It is to end, and another declaration still needs it: as a source, or for its snapshots.',
    data: 'It stays until nothing needs it.',
    mooring: 'It looks every few seconds, and goes on when nothing needs it.',
    person: {
      end: () => 'Remove what the message names, or declare it again to keep it.',
      cancel: cancelEnd,
    },
  },
  FinalSnapshotNotReady: {
    happened: 'The final snapshot is taken, and the plugin has not finished it.',
    data: 'The volume stays until its final snapshot is ready to use.',
    mooring: 'It asks every two seconds, and deletes the volume after that.',
    person: { cancel: cancelEnd },
  },
  EndCancelled: {
    happened: 'A person cancelled the end in the moment before its delete was sent.',
    data: 'Nothing was deleted. The volume or snapshot stays as it is.',
    mooring: 'It releases it with the next pass.',
    person: {},
  },
} satisfies Explanations
