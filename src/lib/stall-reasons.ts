/**
 * Every reason for which something is Stalled, so that only a person can go on. Its message names what to do, and
 * test/unit/operator/exits.test.ts does that for each: a reason without an exit does not pass.
 */
export const stallReasons = [
  // What is declared.
  'Invalid',
  'OwnedElsewhere',
  'IdentityChanged',
  'NameTaken',
  'ExternalIDTaken',
  'ExternalIDNotAllowed',
  'SharedExternalID',
  'ClusterNotFound',
  'VolumeHasInstances',
  // What Nomad and the plugin have differs from it.
  'ImmutableFieldChanged',
  'CannotShrink',
  'CapacityUnsupported',
  'PluginUnsupported',
  'Drifted',
  'UnreadableFields',
  'UpdateWithoutEffect',
  'ExternalIDChanged',
  'ExternalVolumeMissing',
  'ExternalVolumeAbnormal',
  'Vanished',
  'DetachNeedsWord',
  'ClockLeapt',
  'RetentionUnsupported',
  // An end cannot go on.
  'TombstoneTaken',
  'HasSnapshots',
  'DeleteRefused',
  'FinalSnapshotTooOld',
  'SecretNotSendable',
  // Nomad or the plugin refused a request.
  'NamespaceNotFound',
  'NodeNotFound',
  'TLSRequired',
  'ImmutableField',
  'InvalidVolume',
  'ExternalVolumeNotFound',
  'InvalidArgument',
  'NameConflict',
  'PluginPermissionDenied',
  'Unsupported',
  'SourceNotFound',
  'UnexpectedRedirect',
  'InvalidRequest',
  'UnsupportedByServer',
  'PluginRefused',
  'PermissionDenied',
  'BrokenAnswer',
  'WrongSource',
  // An error for good of which no table knows more.
  'Refused',
] as const
export type StallReason = (typeof stallReasons)[number]

/** The reason for a condition Stalled, of an error for good. */
export function stallReasonOf(reason: string): StallReason {
  return stallReasons.find((each) => each === reason) ?? 'Refused'
}
