// Original file: proto/csi.proto


export interface ControllerUnpublishVolumeRequest {
  'volumeId'?: (string);
  /**
   * Empty: from every node.
   */
  'nodeId'?: (string);
  'secrets'?: ({[key: string]: string});
}

export interface ControllerUnpublishVolumeRequest__Output {
  'volumeId': (string);
  /**
   * Empty: from every node.
   */
  'nodeId': (string);
  'secrets': ({[key: string]: string});
}
