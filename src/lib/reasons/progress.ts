import { type Explanations, type Named, run } from './explanation.ts'

const underWay = 'It does this now, and looks again.'
const nothing = {}
const step = (happened: string, data: string) => ({ happened, data, mooring: underWay, person: nothing })
const fine = (happened: string, data: string, mooring: string) => ({
  happened,
  data,
  mooring,
  person: nothing,
})
const orphans = { look: () => `To see what nobody manages, run ${run('mooring', 'orphans')}` }

/** It is as declared. */
export const asDeclared = {
  AsDeclared: fine(
    'The volume is as declared.',
    'The volume can be used.',
    'It looks again at every change and every resync.',
  ),
  ReadyToUse: fine(
    'The snapshot is taken and ready to use.',
    'A volume can be made or restored from it.',
    'It watches that the plugin still has it.',
  ),
  Taken: fine(
    'The snapshot was taken, and its plugin cannot list snapshots.',
    'The plugin said that it is there. Mooring cannot check it.',
    'It keeps the record of the snapshot.',
  ),
  Scheduled: fine(
    'The schedule waits for its next run.',
    'The snapshots that its retention keeps stay.',
    'It takes the next snapshots at the time that the message names.',
  ),
  Reached: fine('The Nomad cluster answers.', 'Nothing changes.', 'It asks again every 30 seconds.'),
  DriftIgnored: {
    happened: 'The volume differs from its declaration, and spec.driftPolicy is Ignore.',
    data: 'The data are safe. Nothing changes.',
    mooring: 'It leaves the difference as it is.',
    person: { correct: () => 'To correct the volume, set spec.driftPolicy to Correct.' },
  },
} satisfies Explanations

/** A step is being taken. */
export const steps = {
  Creating: step('The volume or the snapshot is being created.', 'It is new, so it has no data yet.'),
  RepeatingCreate: step(
    'The answer to a create was lost, so the same request is repeated.',
    'The plugin answers with what the first request made. No second one is made.',
  ),
  Created: step('A create whose answer was lost has worked.', 'What it made is taken over.'),
  Adopting: step('The volume or snapshot is already there and is taken over.', 'It is not written.'),
  Registering: step('The external volume is being registered in Nomad.', 'Its data stay as they are.'),
  Reregistering: step(
    'Nomad lost the volume, so it is registered again with its external volume.',
    'The data are those that were there before.',
  ),
  Recreating: step(
    'A person gave up a lost external volume, so a new one is made.',
    'The lost data are given up. The new volume is blank, or made from the declared source.',
  ),
  NotRecreated: step(
    'A lost external volume is back, so the order to recreate it is dropped.',
    'The data are back.',
  ),
  Updating: step('The volume is being changed in Nomad.', 'Its data stay as they are.'),
  Expanding: step('The volume is growing.', 'Its data stay as they are.'),
  DeclaredAgain: step(
    'It is declared again before its end was done, so the end is cancelled.',
    'The data stay.',
  ),
  Restoring: step(
    'A restore that a person ordered is under way.',
    'The external volume of before is kept, so one can go back.',
  ),
  Restored: step(
    'A restore is done.',
    'The volume has the data of the snapshot. The external volume of before is kept.',
  ),
  RestoreUndone: step('A person cancelled a restore.', 'The external volume of before is put back.'),
  NotRestored: {
    ...step('A restore did not take place.', 'The volume is still the old one.'),
    person: { look: () => 'Do what the message says, and order the restore again.' },
  },
  Detaching: step(
    'A node is being detached, on which nothing writes any more.',
    'Nothing writes there, so the data are safe.',
  ),
  Detached: step('The volume is off the node that a person named.', 'The data are safe.'),
  Starting: step('The schedule takes a snapshot.', 'It becomes a backup when it is ready to use.'),
  RunMissed: {
    ...step('The schedule missed a run.', 'There is no snapshot for that time. Earlier ones stay.'),
    mooring: 'It takes the next one at its time.',
    person: {
      now: ({ target }: Named<'target'>) =>
        `To take a snapshot now, run ${run('mooring', 'snapshot', 'now', target)}`,
    },
  },
  Expiring: step(
    'No retention rule keeps a snapshot any more.',
    'It is deleted. The last ready one is never.',
  ),
  Deregistering: step(
    'The volume is being taken out of Nomad, because its declaration was removed.',
    'Its data stay.',
  ),
  Deleting: step(
    'The volume or the snapshot is being deleted, because its declaration was removed.',
    'Its data are destroyed, as deletionPolicy Delete says.',
  ),
  FinalSnapshot: step('The final snapshot is taken before the delete.', 'It stays after the volume is gone.'),
} satisfies Explanations

/** Why Mooring no longer manages something. `mooring orphans` and `mooring describe` show them of what stayed. */
export const released = {
  Retained: {
    happened: 'The declaration was removed, and deletionPolicy is Retain.',
    data: 'Everything stays as it is.',
    mooring: 'It does nothing more for it.',
    person: orphans,
  },
  Deregistered: {
    happened: 'The declaration was removed, and deletionPolicy is Deregister.',
    data: 'The external volume stays. Nomad no longer has the volume.',
    mooring: 'It does nothing more for it. Declared again, it is registered with the same external volume.',
    person: orphans,
  },
  Deleted: {
    happened: 'The declaration was removed, and deletionPolicy is Delete.',
    data: 'The data are destroyed.',
    mooring: 'It does nothing more for it.',
    person: {},
  },
  Replaced: {
    happened: 'A restore, or somebody in Nomad, put another external volume in its place.',
    data: 'The replaced external volume stays.',
    mooring: 'It does nothing more for it.',
    person: {
      goBack: ({ target }: Named<'target'>) =>
        `To go back to it after a restore, run ${run('mooring', 'restore', target, '--back-to', 'EXTERNAL_ID')}`,
      ...orphans,
    },
  },
  NeverCreated: {
    happened: 'The declaration was removed before anything was created for it.',
    data: 'There were no data.',
    mooring: 'It does nothing more for it.',
    person: {},
  },
} satisfies Explanations
