// Original file: proto/csi.proto


export interface NodeGetVolumeStatsRequest {
  'volumeId'?: (string);
  /**
   * Where it is published or staged.
   */
  'volumePath'?: (string);
  'stagingTargetPath'?: (string);
}

export interface NodeGetVolumeStatsRequest__Output {
  'volumeId': (string);
  /**
   * Where it is published or staged.
   */
  'volumePath': (string);
  'stagingTargetPath': (string);
}
