(* Reads a model file, as docs/model-format.md describes it, into the network of the theorems. *)

exception Refused of string

let refuse format = Printf.ksprintf (fun sentence -> raise (Refused sentence)) format

type tensor = { dtype : string; shape : int list; data : string }

(* A whole number in plain digits, without sign or leading zero. *)
let plain_number what text =
  let digits = String.for_all (fun c -> c >= '0' && c <= '9') text in
  let leading_zero = String.length text > 1 && text.[0] = '0' in
  let length = String.length text in
  if length = 0 || length > 9 || (not digits) || leading_zero then
    refuse "the metadata say that %s is %S, which is no whole number in plain digits" what text;
  int_of_string text

(* The header: metadata and tensors by name. They fill the rest of the file without a gap. *)
let safetensors file =
  let size = String.length file in
  let header_length = if size < 8 then Int64.max_int else String.get_int64_le file 0 in
  if size < 8 || header_length < 0L || header_length > Int64.of_int (size - 8) then
    refuse "the file ends within its header: it is no model file, or is compressed";
  let header_length = Int64.to_int header_length in
  let start = 8 + header_length in
  let open Yojson.Safe.Util in
  let entries =
    try to_assoc (Yojson.Safe.from_string (String.sub file 8 header_length))
    with Yojson.Json_error _ | Type_error _ -> refuse "the file's header is no JSON object"
  in
  let metadata, tensors = List.partition (fun (name, _) -> name = "__metadata__") entries in
  let metadata =
    match metadata with
    | [ (_, entries) ] -> List.map (fun (key, value) -> (key, to_string value)) (to_assoc entries)
    | _ -> refuse "the file's header has no metadata"
  in
  let tensor (name, info) =
    match List.map to_int (to_list (member "data_offsets" info)) with
    | [ first; last ] when 0 <= first && first <= last && last <= size - start ->
        let dtype = to_string (member "dtype" info) in
        let shape = List.map to_int (to_list (member "shape" info)) in
        ((first, last), (name, { dtype; shape; data = String.sub file (start + first) (last - first) }))
    | _ -> refuse "the data of %s are not in the file" name
  in
  let tensors = List.sort compare (List.map tensor tensors) in
  let follow covered ((first, last), (name, _)) =
    if first <> covered then refuse "the data of %s do not follow those before" name;
    last
  in
  if List.fold_left follow 0 tensors <> size - start then
    refuse "the file has bytes that belong to no tensor";
  (metadata, List.map snd tensors)

let find tensors name =
  match List.assoc_opt name tensors with
  | Some tensor -> tensor
  | None -> refuse "the file has no tensor %s" name

(* The weights of a layer in the order of the file, each with its place in the dense layer. *)
let kept_weights tensors layer =
  let name part = Printf.sprintf "layers.%d.%s" layer part in
  let gap = find tensors (name "gap") and weight = find tensors (name "weight") in
  if gap.dtype <> "U8" || gap.shape <> [ String.length gap.data ] then
    refuse "%s is not U8 of one dimension" (name "gap");
  let places = ref [] and next = ref 0 in
  let read byte =
    next := !next + Char.code byte;
    if byte <> '\255' then (
      places := !next :: !places;
      incr next)
  in
  String.iter read gap.data;
  let places = Array.of_list (List.rev !places) in
  let count = Array.length places in
  let bytes =
    match weight.shape with
    | [ ((2 | 4) as bytes); found ]
      when weight.dtype = "U8" && found = count && String.length weight.data = bytes * count ->
        bytes
    | _ -> refuse "%s is not U8 [2 or 4, %d]" (name "weight") count
  in
  (* All lowest bytes first, then all next ones; the highest has the sign. *)
  let value index =
    let byte plane = Char.code weight.data.[(plane * count) + index] in
    let unsigned = ref 0 in
    for plane = bytes - 1 downto 0 do
      unsigned := (!unsigned lsl 8) lor byte plane
    done;
    if byte (bytes - 1) >= 128 then !unsigned - (1 lsl (8 * bytes)) else !unsigned
  in
  Array.mapi (fun index place -> (place, value index)) places

(* The layer's units, each with its weights; inputs are counted from 1. *)
let layer tensors index inputs outputs =
  let weights = kept_weights tensors index in
  let columns = Array.init inputs (fun column -> Number.to_positive (column + 1)) in
  let rows = Array.make outputs [] in
  let put (place, value) =
    let unit = place / inputs in
    if unit >= outputs then refuse "layers.%d.gap keeps a weight beyond the last unit" index;
    rows.(unit) <- (columns.(place mod inputs), Number.of_int value) :: rows.(unit)
  in
  Array.iter put weights;
  Array.to_list (Array.map List.rev rows)

let bias tensors count =
  let { dtype; shape; data } = find tensors "bias" in
  let bytes = match dtype with "I16" -> 2 | "I32" -> 4 | _ -> 0 in
  if bytes = 0 || shape <> [ count ] || String.length data <> bytes * count then
    refuse "bias is not I16 or I32 [%d]" count;
  let value index =
    if bytes = 2 then String.get_int16_le data (2 * index)
    else Int32.to_int (String.get_int32_le data (4 * index))
  in
  List.init count (fun index -> Number.of_int (value index))

(* The widths from the pixels to the last layer's units. *)
let widths architecture =
  let widths = List.map (plain_number "architecture") (String.split_on_char '-' architecture) in
  if List.exists (fun width -> width < 1 || width > 65536) widths || List.length widths < 2 then
    refuse "the metadata say that architecture is %S, which is none" architecture;
  widths

let network file =
  let metadata, tensors = safetensors file in
  let entry key =
    match List.assoc_opt key metadata with
    | Some value -> value
    | None -> refuse "the metadata have no %s" key
  in
  if entry "format" <> "linf-dist-net" || entry "format_version" <> "4" then
    refuse "the file is not of format linf-dist-net, version 4";
  let number key = plain_number key (entry key) in
  let scale = number "scale" and members = number "members" in
  if scale < 2 || scale > 4096 || scale land (scale - 1) <> 0 then
    refuse "the scale %d is no power of two from 2 to 4096" scale;
  let widths = widths (entry "architecture") in
  let last = List.nth widths (List.length widths - 1) in
  if members < 1 || last mod members <> 0 then
    refuse "%d units are no %d members with as many classes each" last members;
  let rec layers index = function
    | inputs :: (outputs :: _ as rest) ->
        let first = layer tensors index inputs outputs in
        first :: layers (index + 1) rest
    | _ -> []
  in
  {
    Proved.scale = Number.of_int scale;
    inputs = Number.to_nat (List.hd widths);
    layers = layers 0 widths;
    members = Number.to_nat members;
    classes = Number.to_nat (last / members);
    bias = bias tensors last;
  }
