// Original file: proto/csi.proto


export interface ListVolumesRequest {
  /**
   * Zero: as many as the plugin likes.
   */
  'maxEntries'?: (number);
  'startingToken'?: (string);
}

export interface ListVolumesRequest__Output {
  /**
   * Zero: as many as the plugin likes.
   */
  'maxEntries': (number);
  'startingToken': (string);
}
