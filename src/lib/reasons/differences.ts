import { type Explanations, type Named, run } from './explanation.ts'

const goesOn = 'It looks again on its own, and goes on as soon as this is put right.'

/** What Nomad and the plugin have differs from the declaration, and only a person can decide. */
export const differences = {
  ImmutableFieldChanged: {
    happened: 'The declaration changes a field that no volume can change after it was created.',
    data: 'The data are safe. The volume stays as it is.',
    mooring: 'It never replaces a volume by itself, because a new one would be empty.',
    person: {
      undo: () => 'Undo the change of the declaration, or declare a new volume under another volumeID.',
      undoSnapshot: () =>
        'Undo the change of the declaration, or declare the other snapshot under another name.',
    },
  },
  CannotShrink: {
    happened: 'The declared spec.capacity.max is smaller than the volume is.',
    data: 'The data are safe. No volume can shrink, so it stays as it is.',
    mooring: 'It changes nothing until the declaration fits.',
    person: {
      raise: ({ size }: Named<'size'>) => `Raise spec.capacity.max to at least ${size}.`,
      declareNew: () => 'For a smaller volume, declare a new one under another volumeID.',
    },
  },
  CapacityUnsupported: {
    happened: 'The plugin cannot make or grow a volume to the size that is declared.',
    data: 'Nothing changes. A volume that is there keeps its size.',
    mooring: goesOn,
    person: { lower: () => 'Lower spec.capacity.min, or choose another size' },
  },
  PluginUnsupported: {
    happened: 'The plugin cannot do what the declaration needs: it does not announce the capability.',
    data: 'Nothing changes.',
    mooring: 'It reads what the plugin announces again, and goes on when it can.',
    person: {
      runController: () => "Run the plugin's controller",
      otherPlugin: () => 'Use another plugin, or change the declaration.',
      look: ({ pluginID }: Named<'pluginID'>) =>
        `To see what the plugin announces, run ${run('nomad', 'plugin', 'status', pluginID)}`,
    },
  },
  Drifted: {
    happened: 'Somebody changed the volume in Nomad, and spec.driftPolicy is Report.',
    data: 'The data are safe. Nothing changes.',
    mooring: 'It only reports the difference, as the declaration says.',
    person: {
      correct: () => 'To correct the volume, set it to Correct, or change the declaration.',
    },
  },
  UnreadableFields: {
    happened:
      'An update would erase secrets or mount flags, which Nomad never shows and the declaration does not have.',
    data: 'The data are safe. The update is not sent.',
    mooring: 'It waits until the declaration has these fields.',
    person: {
      declare: () =>
        'Set them in the declaration, or declare them empty: spec.secrets: {} and spec.mountOptions.mountFlags: [].',
    },
  },
  UpdateWithoutEffect: {
    happened: 'Nomad accepted an update, and the volume is as it was.',
    data: 'The data are safe. The volume still differs from the declaration.',
    mooring: 'It does not send the same update again.',
    person: {
      look: () => "Look at the plugin's log, or change the declaration",
    },
  },
  ExternalIDChanged: {
    happened:
      "Nomad's volume is another external volume than the one that Mooring manages. Somebody replaced it.",
    data: 'Both external volumes stay. Allocations use the new one.',
    mooring: 'It changes nothing, because only a person knows which one is right.',
    person: {
      goBack: () => 'To go back, deregister the volume in Nomad.',
      adopt: () => 'To adopt the new one, remove the declaration and add it again.',
      continueRestore: () => 'Deregister it, and the restore continues.',
      deregister: ({ namespace, id }: Named<'namespace' | 'id'>) =>
        `To deregister it, run ${run('nomad', 'volume', 'deregister', '-namespace', namespace, id)}`,
    },
  },
  ExternalVolumeMissing: {
    happened: 'The plugin no longer lists the external volume, but Nomad still names it.',
    data: 'Its data may be lost.',
    mooring: 'It looks again every minute, and never puts a blank volume in its place.',
    person: {
      bringBack: () =>
        'Bring the external volume back at the storage provider, and Mooring goes on by itself.',
      restore: ({ target }: Named<'target'>) =>
        `To go back to a snapshot, run ${run('mooring', 'restore', target, '--from', 'SNAPSHOT')}`,
      giveUp: ({ namespace, id }: Named<'namespace' | 'id'>) =>
        `To give the data up, run ${run('nomad', 'volume', 'delete', '-namespace', namespace, id)}. The volume is then Vanished, and its message says how to make a blank one.`,
    },
  },
  ExternalVolumeAbnormal: {
    happened: 'The plugin reports the external volume as abnormal.',
    data: 'Its data may be lost or at risk.',
    mooring: 'It looks again every minute, and never puts a blank volume in its place.',
    person: {
      repair: () => 'Repair it at the storage provider, and Mooring goes on by itself.',
      restore: ({ target }: Named<'target'>) =>
        `To go back to a snapshot, run ${run('mooring', 'restore', target, '--from', 'SNAPSHOT')}`,
      giveUp: ({ namespace, id }: Named<'namespace' | 'id'>) =>
        `To give the data up, run ${run('nomad', 'volume', 'delete', '-namespace', namespace, id)}. The volume is then Vanished, and its message says how to make a blank one.`,
    },
  },
  HostVolumeVanished: {
    happened: 'Nomad no longer has the host volume that Mooring recorded.',
    data: 'If somebody deleted the volume, its data are lost. If Nomad forgot its node, the folder may still be on that node.',
    mooring:
      'It never puts a blank volume in the place of a lost one. It looks again, and goes on if the volume is back.',
    person: {
      recreate: ({ target, externalID }: Named<'target' | 'externalID'>) =>
        `To give up its data and create a blank volume, run ${run('mooring', 'recreate', 'hostvolume', target, '--lost', externalID)}`,
      annotate: ({ externalID }: Named<'externalID'>) =>
        `In Kubernetes, annotate the host volume mooring.dev/recreate=${externalID}.`,
    },
  },
  SeveralHostVolumes: {
    happened: 'Nomad has several host volumes of the declared name, on several nodes.',
    data: 'The data are safe. Nothing changes.',
    mooring: 'It does not guess which one is meant. It goes on when the declaration names a node.',
    person: { name: () => 'Name the node of the one that is meant as spec.placement.node.' },
  },
  Vanished: {
    happened:
      'What Mooring recorded is gone: Nomad and the plugin no longer have the volume, or the plugin no longer has the snapshot.',
    data: 'The data are lost, unless the storage provider can bring them back.',
    mooring:
      'It never puts a blank volume in the place of a lost one, and never takes a lost snapshot again. It looks again, and goes on if the data are back. A schedule forgets a lost snapshot after 10 minutes.',
    person: {
      bringBack: () => 'Bring the external volume back, or remove the declaration.',
      recreate: ({ target, externalID }: Named<'target' | 'externalID'>) =>
        `To give up its data and create a blank volume, run ${run('mooring', 'recreate', target, '--lost', externalID)}`,
      annotate: ({ externalID }: Named<'externalID'>) =>
        `In Kubernetes, annotate the volume mooring.dev/recreate=${externalID}.`,
      otherSnapshot: () => 'Remove the declaration, or declare a new snapshot under another name.',
      look: () => "If nobody deleted it, look at the plugin's log.",
    },
  },
  DetachNeedsWord: {
    happened: 'A node should be detached. Nomad only guesses that nothing on it writes any more.',
    data: 'The data are safe. Two writers would corrupt the volume, so it stays attached.',
    mooring: 'It detaches the node by itself when Nomad knows that the allocations have ended.',
    person: {
      confirm: ({ target, nodeID }: Named<'target' | 'nodeID'>) =>
        `Make sure that nothing does, then run ${run('mooring', 'detach', target, '--node-is-dead', nodeID)}`,
      confirmOrAnnotate: ({ target, nodeID, nodeIsDead }: Named<'target' | 'nodeID' | 'nodeIsDead'>) =>
        `Make sure that nothing does, then run ${run('mooring', 'detach', target, '--node-is-dead', nodeID)}, or annotate the object mooring.dev/node-is-dead=${nodeIsDead}`,
    },
  },
} satisfies Explanations
