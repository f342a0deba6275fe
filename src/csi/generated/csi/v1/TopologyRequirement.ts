// Original file: proto/csi.proto

import type { Topology as _csi_v1_Topology, Topology__Output as _csi_v1_Topology__Output } from '../../csi/v1/Topology.ts';

export interface TopologyRequirement {
  /**
   * The volume has to be reachable from at least one of them.
   */
  'requisite'?: (_csi_v1_Topology)[];
  /**
   * In order of preference.
   */
  'preferred'?: (_csi_v1_Topology)[];
}

export interface TopologyRequirement__Output {
  /**
   * The volume has to be reachable from at least one of them.
   */
  'requisite': (_csi_v1_Topology__Output)[];
  /**
   * In order of preference.
   */
  'preferred': (_csi_v1_Topology__Output)[];
}
