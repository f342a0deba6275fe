// Original file: proto/csi.proto

import type { Topology as _csi_v1_Topology, Topology__Output as _csi_v1_Topology__Output } from '../../csi/v1/Topology.ts';

export interface NodeGetInfoResponse {
  'nodeId'?: (string);
  /**
   * Zero: the caller decides.
   */
  'maxVolumesPerNode'?: (number | bigint);
  'accessibleTopology'?: (_csi_v1_Topology | null);
}

export interface NodeGetInfoResponse__Output {
  'nodeId': (string);
  /**
   * Zero: the caller decides.
   */
  'maxVolumesPerNode': (bigint);
  'accessibleTopology': (_csi_v1_Topology__Output | null);
}
