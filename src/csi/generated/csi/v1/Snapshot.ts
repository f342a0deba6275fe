// Original file: proto/csi.proto

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';

export interface Snapshot {
  /**
   * The least size of a volume made from it; zero: unknown.
   */
  'sizeBytes'?: (number | bigint);
  'snapshotId'?: (string);
  'sourceVolumeId'?: (string);
  'creationTime'?: (_google_protobuf_Timestamp | null);
  /**
   * False while the plugin is still copying: volumes cannot be made from it yet.
   */
  'readyToUse'?: (boolean);
  'groupSnapshotId'?: (string);
}

export interface Snapshot__Output {
  /**
   * The least size of a volume made from it; zero: unknown.
   */
  'sizeBytes': (bigint);
  'snapshotId': (string);
  'sourceVolumeId': (string);
  'creationTime': (_google_protobuf_Timestamp__Output | null);
  /**
   * False while the plugin is still copying: volumes cannot be made from it yet.
   */
  'readyToUse': (boolean);
  'groupSnapshotId': (string);
}
