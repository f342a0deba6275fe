// Original file: proto/csi.proto


export interface CreateSnapshotRequest {
  'sourceVolumeId'?: (string);
  /**
   * The key of idempotency.
   */
  'name'?: (string);
  'secrets'?: ({[key: string]: string});
  'parameters'?: ({[key: string]: string});
}

export interface CreateSnapshotRequest__Output {
  'sourceVolumeId': (string);
  /**
   * The key of idempotency.
   */
  'name': (string);
  'secrets': ({[key: string]: string});
  'parameters': ({[key: string]: string});
}
