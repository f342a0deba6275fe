import { type Explanations, type Named, run } from './explanation.ts'

const unchanged = 'Nothing changes. What is there stays as it is.'
const triesAgain = 'It tries again when the declaration changes, and at every resync.'

/** Nomad or the plugin refused a request for good. */
export const refusals = {
  NamespaceNotFound: {
    happened: 'Nomad has no such namespace.',
    data: unchanged,
    mooring: 'It looks again every few seconds, and goes on when the namespace exists.',
    person: {
      create: ({ namespace }: Named<'namespace'>) =>
        `To create the namespace, run ${run('nomad', 'namespace', 'apply', namespace)}`,
      correct: () => 'Or correct spec.namespace.',
    },
  },
  NodeNotFound: {
    happened: 'Nomad has no node with this ID.',
    data: unchanged,
    mooring: triesAgain,
    person: { list: () => `To list the nodes, run ${run('nomad', 'node', 'status')}` },
  },
  TLSRequired: {
    happened: 'Nomad speaks TLS at this address, and Mooring was told to use plain HTTP.',
    data: unchanged,
    mooring: triesAgain,
    person: { https: () => 'Write https:// in NOMAD_ADDR (--nomad-addr)' },
  },
  ImmutableField: {
    happened: 'Nomad refuses to change a field of a volume that exists.',
    data: unchanged,
    mooring: triesAgain,
    person: {
      undo: () => 'Undo the change of the declaration, or declare a new volume under another volumeID.',
    },
  },
  InvalidVolume: {
    happened: 'Nomad refuses the volume as it is declared.',
    data: unchanged,
    mooring: triesAgain,
    person: { correct: () => 'Correct the declaration as the message says.' },
  },
  ExternalVolumeNotFound: {
    happened: 'The plugin has no external volume with this ID.',
    data: 'Nothing is registered or created. If the volume had data, they may be lost.',
    mooring: 'It looks again, and goes on when the plugin has it.',
    person: {
      correct: () => 'Correct spec.externalID, or bring the external volume back at the storage provider.',
      list: ({ pluginID }: Named<'pluginID'>) =>
        `To list what the plugin has, run ${run('nomad', 'volume', 'status', '-verbose', '-type', 'csi', '-plugin', pluginID)}`,
    },
  },
  InvalidArgument: {
    happened: 'The plugin refuses the request as invalid.',
    data: unchanged,
    mooring: triesAgain,
    person: { correct: () => 'Correct what the plugin names, mostly spec.parameters or spec.capabilities.' },
  },
  NameConflict: {
    happened: 'The plugin has something under the same name that was made with other parameters.',
    data: 'Both stay. Mooring does not take over what it cannot recognise.',
    mooring: triesAgain,
    person: {
      look: () => `To see what nobody manages, run ${run('mooring', 'orphans')}`,
      change: () => 'Declare the parameters and the capacity that it has, or set another spec.name.',
    },
  },
  PluginPermissionDenied: {
    happened: 'The storage provider does not let the plugin do this.',
    data: unchanged,
    mooring: triesAgain,
    person: { grant: () => 'Give the plugin the right at the storage provider, or correct spec.secrets.' },
  },
  Unsupported: {
    happened: 'The plugin does not implement the call.',
    data: unchanged,
    mooring: triesAgain,
    person: { otherPlugin: () => 'Use another plugin, or change the declaration.' },
  },
  SourceNotFound: {
    happened: 'The plugin does not have the snapshot or the volume that the new volume is to be made from.',
    data: 'Nothing is created.',
    mooring: triesAgain,
    person: { correct: () => 'Correct spec.source, or remove it to create a blank volume.' },
  },
  UnexpectedRedirect: {
    happened: 'The address answers with a redirect, so it is not that of a Nomad API.',
    data: unchanged,
    mooring: triesAgain,
    person: { address: () => 'Write the address of the Nomad API itself in NOMAD_ADDR (--nomad-addr).' },
  },
  InvalidRequest: {
    happened: 'Nomad refuses the request as invalid.',
    data: unchanged,
    mooring: triesAgain,
    person: { correct: () => 'Correct the declaration as the message says.' },
  },
  UnsupportedByServer: {
    happened:
      'This server does not have the endpoint: an old release of Nomad, or something else at the address.',
    data: unchanged,
    mooring: triesAgain,
    person: {
      address: () => 'Upgrade Nomad, or correct NOMAD_ADDR (--nomad-addr).',
      version: () => `To see the release, run ${run('nomad', 'server', 'members')}`,
    },
  },
  PluginRefused: {
    happened: 'The plugin refuses the request.',
    data: unchanged,
    mooring: triesAgain,
    person: { correct: () => "Correct the declaration as the message says, or look at the plugin's log." },
  },
  PermissionDenied: {
    happened: 'The Nomad token lacks a right, or the storage provider refused the plugin.',
    data: unchanged,
    mooring: triesAgain,
    person: {
      grant: () => 'Give the token the rights that docs/operations.md lists.',
      look: () => `To see the rights of the token, run ${run('nomad', 'acl', 'token', 'self')}`,
    },
  },
  BrokenAnswer: {
    happened: 'The plugin did what was asked, but its answer breaks CSI, so the result is not used.',
    data: 'Something new may exist at the storage provider. What was there before stays.',
    mooring: 'It repeats the request every few minutes.',
    person: {
      mend: () =>
        'Update or mend the plugin, or change what is declared; Mooring repeats the request every few minutes.',
      giveUp: () =>
        'To give it up, remove the declaration: deletionPolicy Delete deletes what was made, if the plugin named it.',
    },
  },
  WrongSource: {
    happened: 'The plugin returned a snapshot of another volume than the one that was asked for.',
    data: 'That snapshot is not used, so nobody restores the wrong data from it. There is no backup yet.',
    mooring: 'It repeats the request every few minutes.',
    person: {
      mend: () => 'Mend the plugin; Mooring repeats the request.',
      giveUp: () =>
        'To give it up, remove the declaration: deletionPolicy Delete deletes that snapshot, if it is no older one',
    },
  },
  Refused: {
    happened: 'A request failed for good, and Mooring knows no more about it than the message says.',
    data: unchanged,
    mooring: triesAgain,
    person: { correct: () => 'Do what the message says, or change the declaration.' },
  },
} satisfies Explanations
