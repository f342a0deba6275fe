// Original file: proto/csi.proto


export interface ControllerPublishVolumeResponse {
  /**
   * Handed to the node's calls.
   */
  'publishContext'?: ({[key: string]: string});
}

export interface ControllerPublishVolumeResponse__Output {
  /**
   * Handed to the node's calls.
   */
  'publishContext': ({[key: string]: string});
}
