// Original file: proto/csi.proto


/**
 * One range of data, from the start of the volume.
 */
export interface BlockMetadata {
  'byteOffset'?: (number | bigint);
  'sizeBytes'?: (number | bigint);
}

/**
 * One range of data, from the start of the volume.
 */
export interface BlockMetadata__Output {
  'byteOffset': (bigint);
  'sizeBytes': (bigint);
}
