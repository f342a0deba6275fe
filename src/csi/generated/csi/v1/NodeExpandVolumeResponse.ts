// Original file: proto/csi.proto


export interface NodeExpandVolumeResponse {
  'capacityBytes'?: (number | bigint);
}

export interface NodeExpandVolumeResponse__Output {
  'capacityBytes': (bigint);
}
