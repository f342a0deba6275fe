import { type Explanations, type Named, run } from './explanation.ts'

const safe = 'The data are safe. What is there stays as it is.'
const retries = 'It retries after a second, and later each time, up to 5 minutes.'
const readsFirst = 'It reads what happened before it does anything again. It repeats only the same request.'
const unknown = 'The change may have happened or not. No second volume or snapshot is made.'
const nomad = { look: () => `To see the servers of Nomad, run ${run('nomad', 'server', 'members')}` }
const plugin = {
  look: ({ pluginID }: Named<'pluginID'>) =>
    `To see the health of the plugin, run ${run('nomad', 'plugin', 'status', pluginID)}`,
  log: () => "Look at the plugin's log.",
}

/** Nomad, a plugin or this machine failed for the moment. */
export const outside = {
  NomadUnreachable: {
    happened: 'Nomad does not answer at its address.',
    data: safe,
    mooring: retries,
    person: { address: () => 'Start Nomad, or correct NOMAD_ADDR (--nomad-addr).', ...nomad },
  },
  NoLeader: { happened: 'Nomad has no leader at the moment.', data: safe, mooring: retries, person: nomad },
  NomadError: {
    happened: 'Nomad answered with an error.',
    data: unknown,
    mooring: readsFirst,
    person: nomad,
  },
  LeadershipLost: {
    happened: "Nomad's leader changed during the request.",
    data: unknown,
    mooring: readsFirst,
    person: nomad,
  },
  AnswerLost: {
    happened: 'A request was sent, and its answer was lost.',
    data: unknown,
    mooring: readsFirst,
    person: nomad,
  },
  InvalidAnswer: {
    happened: 'Nomad answered with something that cannot be understood.',
    data: unknown,
    mooring: readsFirst,
    person: { address: () => 'Check that NOMAD_ADDR (--nomad-addr) is the address of a Nomad API.' },
  },
  PagingLoop: {
    happened: 'A list of the plugin or of Nomad does not come to an end.',
    data: safe,
    mooring: retries,
    person: { log: plugin.log },
  },
  TooManyRequests: {
    happened: 'Nomad or Kubernetes asks for fewer requests.',
    data: safe,
    mooring: retries,
    person: {},
  },
  VolumeNotFound: {
    happened: 'Nomad does not have the volume at the moment.',
    data: safe,
    mooring: retries,
    person: {},
  },
  SnapshotNotFound: {
    happened: 'The plugin does not have the snapshot at the moment.',
    data: safe,
    mooring: retries,
    person: {},
  },
  AlreadyExists: {
    happened: 'What was to be created is already there.',
    data: 'It stays as it is. It is adopted only if it is what was declared.',
    mooring: readsFirst,
    person: {},
  },
  OutcomeUnknown: {
    happened: 'The answer to a request was lost, and the request may still be running.',
    data: unknown,
    mooring:
      'It waits until the request must be over, and looks whether it had an effect. Then it repeats the same request.',
    person: { look: () => `To see what nobody manages, run ${run('mooring', 'orphans')}` },
  },
  PluginNotFound: {
    happened: 'Nomad does not know the plugin.',
    data: safe,
    mooring: 'It looks every few seconds, and goes on when Nomad knows the plugin.',
    person: {
      list: () => `To list the plugins, run ${run('nomad', 'plugin', 'status')}`,
      correct: () => "Run the plugin's job, or correct spec.pluginID.",
    },
  },
  PluginUnavailable: {
    happened: 'The plugin cannot be reached, or none of its controllers is healthy.',
    data: safe,
    mooring: 'It looks again, and goes on when a controller is healthy.',
    person: plugin,
  },
  PluginDeadlineExceeded: {
    happened: 'The plugin did not answer in time.',
    data: unknown,
    mooring: readsFirst,
    person: plugin,
  },
  PluginTimeout: {
    happened: 'The plugin did not answer in time.',
    data: unknown,
    mooring: readsFirst,
    person: plugin,
  },
  PluginError: { happened: 'The plugin failed.', data: safe, mooring: retries, person: plugin },
  PluginFailed: { happened: 'The plugin failed.', data: unknown, mooring: readsFirst, person: plugin },
  PluginBrokenAnswer: {
    happened: 'The plugin answered with something that breaks CSI.',
    data: unknown,
    mooring: readsFirst,
    person: { mend: () => 'Update or mend the plugin.' },
  },
  FailedPrecondition: {
    happened: 'The plugin says that it cannot do this in the present state of the volume.',
    data: safe,
    mooring: retries,
    person: plugin,
  },
  OperationPending: {
    happened: 'The plugin is still at work on an earlier request for the same volume or snapshot.',
    data: unknown,
    mooring: readsFirst,
    person: plugin,
  },
  ResourceExhausted: {
    happened: 'The storage provider has no room, or its quota is used up.',
    data: safe,
    mooring: retries,
    person: { free: () => 'Free some room at the storage provider, or raise its quota.' },
  },
  PassTimedOut: {
    happened: 'A pass took longer than its limit, because something outside did not answer.',
    data: unknown,
    mooring: retries,
    person: plugin,
  },
  Interrupted: {
    happened: 'The request was cut short by a shutdown.',
    data: unknown,
    mooring: readsFirst,
    person: {},
  },
  UnexpectedError: {
    happened: 'Something failed that Mooring does not know. This is a defect of Mooring.',
    data: unknown,
    mooring: retries,
    person: { report: () => "Report it, with the error in the operator's log." },
  },
  RecordUnreadable: {
    happened: 'A ConfigMap of the inventory lacks a part.',
    data: 'Nothing changes, because Mooring does not know what it had recorded.',
    mooring: 'It starts no work until the ConfigMap can be read.',
    person: { restore: () => 'Restore them. If the ConfigMap does not belong to Mooring, delete it.' },
  },
  HashKeyUnreadable: {
    happened: 'The Secret with the key of the inventory holds no key.',
    data: 'Nothing changes.',
    mooring: 'It starts no work until the Secret can be read.',
    person: {
      restore: () =>
        'Restore the key, or delete the Secret: Mooring then creates a new key and applies every declared secret again.',
    },
  },
  HashKeyMissing: {
    happened: 'The inventory has records, and its key is gone.',
    data: 'Nothing changes. Mooring cannot compare secrets without the key.',
    mooring: 'It starts no work until the key is there.',
    person: { restore: () => 'Restore it from a backup.' },
  },
  InventoryDamaged: {
    happened: 'An entry of the inventory is damaged.',
    data: 'The volume or snapshot stays. Mooring does not know what it had recorded.',
    mooring: 'It does nothing for this entry until it can be read.',
    person: {
      restore: () =>
        'Restore it from a backup. If its volume or snapshot no longer exists, remove the entry.',
    },
  },
  InventoryUnreachable: {
    happened: 'The inventory cannot be written, so an effect could be forgotten.',
    data: 'Nothing changes: Mooring records what it intends before it acts.',
    mooring: retries,
    person: { look: () => 'See that what stores the inventory can be reached and has room.' },
  },
  RecordTooLarge: {
    happened: 'A record needs more bytes than the inventory stores in one entry.',
    data: safe,
    mooring: 'It keeps the last record that fitted.',
    person: {
      split: () => 'Split the schedule: let several schedules select its volumes.',
      shorten: () => 'Declare shorter parameters, context and labels.',
    },
  },
} satisfies Explanations
