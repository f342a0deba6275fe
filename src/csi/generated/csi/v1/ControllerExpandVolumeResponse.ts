// Original file: proto/csi.proto


export interface ControllerExpandVolumeResponse {
  'capacityBytes'?: (number | bigint);
  'nodeExpansionRequired'?: (boolean);
}

export interface ControllerExpandVolumeResponse__Output {
  'capacityBytes': (bigint);
  'nodeExpansionRequired': (boolean);
}
