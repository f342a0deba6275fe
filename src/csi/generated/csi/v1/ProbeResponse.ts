// Original file: proto/csi.proto

import type { BoolValue as _google_protobuf_BoolValue, BoolValue__Output as _google_protobuf_BoolValue__Output } from '../../google/protobuf/BoolValue.ts';

export interface ProbeResponse {
  /**
   * Absent means ready; false means still starting, which is not an error.
   */
  'ready'?: (_google_protobuf_BoolValue | null);
}

export interface ProbeResponse__Output {
  /**
   * Absent means ready; false means still starting, which is not an error.
   */
  'ready': (_google_protobuf_BoolValue__Output | null);
}
