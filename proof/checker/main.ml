(* The program around the proved functions: reads files, finds the IBP radius, prints JSON.

   What it prints of an image has been accepted by [Proved.check] or [Proved.check_tie]; a radius that
   it says is proved, by [Proved.check_radius]. *)

let usage =
  "linf-check MODEL (--idx FILE [--first N] [--count N] | --raw FILE) [--radius TICKS | --claims FILE]\n\
   linf-check MODEL --certificate CERT.json\n\n\
   Without --radius or --claims: prints label, margin and both radii of each image, one JSON object a\n\
   line, or a label of null in a tie. Lengths are in ticks.\n\n\
   Exits with 1 if something was asked and the answer is no, with 2 if a file is refused.\n"

let read path =
  let file = open_in_bin path in
  let close () = close_in file in
  Fun.protect ~finally:close (fun () -> really_input_string file (in_channel_length file))

(* The images of an IDX file, all of them, as strings of levels. *)
let idx path =
  let file = read path in
  let number at = Int32.to_int (String.get_int32_be file at) land 0xffff_ffff in
  if String.length file < 16 || number 0 <> 0x803 then
    Model_file.refuse "%s is no IDX file of images, or is compressed" path;
  let count = number 4 and rows = number 8 and columns = number 12 in
  let size = rows * columns in
  let possible = min rows columns > 0 && max rows columns <= 4096 in
  if (not possible) || String.length file <> 16 + (count * size) then
    Model_file.refuse "%s has not as many bytes as its header says" path;
  Array.init count (fun index -> String.sub file (16 + (index * size)) size)

let levels image = List.map (fun c -> Number.of_int (Char.code c)) (List.of_seq (String.to_seq image))

(* The largest radius that IBP proves, known to be at least [proved]: strides up, ever faster, and then
   halves what is left. Nothing rests on this search: what it finds is checked. *)
let ibp_radius ready image label proved =
  let top = Number.to_int (Proved.top ready.Proved.network_of) in
  let proves radius = Proved.proves_at ready image label (Number.of_int radius) in
  let rec stride proved step =
    if proved >= top then top
    else
      let radius = min (proved + step) top in
      if proves radius then stride radius (2 * step) else halve proved radius
  and halve proved refuted =
    if proved + 1 >= refuted then proved
    else
      let radius = (proved + refuted) / 2 in
      if proves radius then halve radius refuted else halve proved radius
  in
  stride proved 1

let label_and_margin ready image = Proved.label_and_margin (Proved.logits_at ready image)

(* The certificate of an image; none in a tie. *)
let certificate ready levels =
  let image = Proved.ticks ready.Proved.network_of levels in
  match label_and_margin ready image with
  | None -> None
  | Some (label, margin) ->
      let lipschitz = Proved.lipschitz_in_domain ready.Proved.network_of margin in
      let ibp = Number.of_int (ibp_radius ready image label (Number.to_int lipschitz)) in
      Some { Proved.label; margin; lipschitz; ibp }

let json_of = function
  | None -> [ ("label", `Null) ]
  | Some { Proved.label; margin; lipschitz; ibp } ->
      [
        ("label", `Int (Number.int_of_nat label));
        ("margin_ticks", `Int (Number.to_int margin));
        ("lipschitz_radius_ticks", `Int (Number.to_int lipschitz));
        ("ibp_radius_ticks", `Int (Number.to_int ibp));
      ]

(* The claim of a JSON object with the members that [json_of] writes. Numbers may be of any size. *)
let claim_of json =
  let open Yojson.Safe.Util in
  let number key =
    match member key json with
    | `Int n -> Number.of_int n
    | `Intlit digits -> Number.of_string digits
    | _ -> Model_file.refuse "a claim has no whole number %s" key
  in
  match member "label" json with
  | `Null -> None
  | `Int label when 0 <= label && label < 65536 ->
      Some
        {
          Proved.label = Number.to_nat label;
          margin = number "margin_ticks";
          lipschitz = number "lipschitz_radius_ticks";
          ibp = number "ibp_radius_ticks";
        }
  | _ -> Model_file.refuse "a claim has no label"

let accepts ready levels = function
  | None -> Proved.check_tie ready levels
  | Some certificate -> Proved.check ready levels certificate

(* The bytes that pairs of hexadecimal digits stand for. *)
let of_hex digits =
  let digit c =
    match c with
    | '0' .. '9' -> Char.code c - Char.code '0'
    | 'a' .. 'f' -> Char.code c - Char.code 'a' + 10
    | _ -> Model_file.refuse "the image of the certificate is not in lower-case hexadecimal"
  in
  if String.length digits mod 2 = 1 then Model_file.refuse "the image of the certificate has half a pixel";
  let byte index = Char.chr ((16 * digit digits.[2 * index]) + digit digits.[(2 * index) + 1]) in
  String.init (String.length digits / 2) byte

(* Whether the claims of a certificate's file (docs/certificate-format.md) hold: label, margin, both radii,
   all logits, and the radius that it claims with the bounds there. Whether the file is written as it must
   be, and is of this very model file, is not asked. *)
let accepts_certificate ready file =
  let open Yojson.Safe.Util in
  let json = Yojson.Safe.from_string file in
  if member "format" json <> `String "linf-dist-net certificate" || member "format_version" json <> `Int 1
  then Model_file.refuse "the file is no certificate of version 1";
  let levels = levels (of_hex (to_string (member "image" json))) in
  if not (Proved.is_image ready.Proved.network_of levels) then false
  else
    let image = Proved.ticks ready.Proved.network_of levels in
    let claim = claim_of json in
    let radius = Number.of_int (to_int (member "radius_ticks" json)) in
    let numbers found claimed = List.map (fun n -> `Int (Number.to_int n)) found = to_list claimed in
    let bounds_hold () =
      let lower, upper = Proved.bounds_at ready image radius in
      let ends = List.map to_list (to_list (member "bounds_ticks" json)) in
      List.for_all2 (fun (l, u) ends -> numbers [ l; u ] (`List ends)) (List.combine lower upper) ends
    in
    match (claim, member "method" json) with
    | None, _ -> false
    | Some certificate, `String ("lipschitz" | "ibp") ->
        Proved.check ready levels certificate
        && numbers (Proved.logits_at ready image) (member "logits_ticks" json)
        && Proved.check_radius ready levels certificate.Proved.label radius
        && List.compare_lengths (to_list (member "bounds_ticks" json)) (Proved.logits_at ready image) = 0
        && bounds_hold ()
    | Some _, `String "branch-and-bound" ->
        Model_file.refuse "branch and bound is not proved in Coq; tools/check.py checks this certificate"
    | Some _, _ -> false

let print fields = print_endline (Yojson.Safe.to_string (`Assoc fields))

let run model certificate_file idx_file raw_file first count radius claims =
  if certificate_file <> None && (idx_file, raw_file, radius, claims) <> (None, None, None, None) then
    Model_file.refuse "a certificate has its own image and radius: give --certificate alone";
  let ready =
    match Proved.load (Model_file.network (read model)) with
    | Some ready -> ready
    | None -> Model_file.refuse "%s is no network that can be run without overflow" model
  in
  let images =
    match (idx_file, raw_file) with
    | None, None when certificate_file <> None -> [||]
    | Some path, None -> idx path
    | None, Some path -> [| read path |]
    | _ -> Model_file.refuse "give images either with --idx or with --raw"
  in
  if images = [||] && certificate_file = None then Model_file.refuse "there is no image";
  let image index =
    if index < 0 || index >= Array.length images then
      Model_file.refuse "there is no image %d among %d" index (Array.length images);
    let levels = levels images.(index) in
    if not (Proved.is_image ready.Proved.network_of levels) then
      Model_file.refuse "image %d has %d pixels, which the network does not take" index
        (String.length images.(index));
    levels
  in
  let last = match count with Some count -> first + count - 1 | None -> Array.length images - 1 in
  let indices = List.init (max 0 (last - first + 1)) (fun offset -> first + offset) in
  let answer index fields yes =
    print ((("image", `Int index) :: fields) @ [ ("accepted", `Bool yes) ]);
    yes
  in
  match (claims, radius) with
  | None, None when certificate_file <> None ->
      let path = Option.get certificate_file in
      let yes = accepts_certificate ready (read path) in
      print [ ("certificate", `String path); ("accepted", `Bool yes) ];
      yes
  | Some _, Some _ -> Model_file.refuse "give either --claims or --radius"
  | Some path, None ->
      let lines = String.split_on_char '\n' (read path) in
      let check line =
        let json = Yojson.Safe.from_string line in
        let index = Yojson.Safe.Util.(to_int (member "image" json)) in
        answer index [] (accepts ready (image index) (claim_of json))
      in
      let lines = List.filter (fun line -> String.trim line <> "") lines in
      if lines = [] then Model_file.refuse "%s has no claim" path;
      List.for_all Fun.id (List.map check lines)
  | None, Some radius ->
      let check index =
        let levels = image index in
        match label_and_margin ready (Proved.ticks ready.Proved.network_of levels) with
        | None -> answer index [ ("label", `Null); ("radius_ticks", `Int radius) ] false
        | Some (label, _) ->
            let yes = Proved.check_radius ready levels label (Number.of_int radius) in
            answer index [ ("label", `Int (Number.int_of_nat label)); ("radius_ticks", `Int radius) ] yes
      in
      List.for_all Fun.id (List.map check indices)
  | None, None ->
      let show index =
        let levels = image index in
        let found = certificate ready levels in
        if not (accepts ready levels found) then
          failwith (Printf.sprintf "image %d: what was found is not accepted" index);
        print (("image", `Int index) :: json_of found)
      in
      List.iter show indices;
      true

let () =
  let model = ref None and idx_file = ref None and raw_file = ref None and certificate = ref None in
  let first = ref 0 and count = ref None and radius = ref None and claims = ref None in
  let text into = Arg.String (fun value -> into := Some value) in
  let natural set =
    let check value = if value < 0 then raise (Arg.Bad "a number is negative") else set value in
    Arg.Int check
  in
  let options =
    [
      ("--certificate", text certificate, "FILE  says whether the claims of a certificate's file hold");
      ("--idx", text idx_file, "FILE  images as an unpacked IDX file");
      ("--raw", text raw_file, "FILE  one image, a byte a pixel");
      ("--first", natural (( := ) first), "N  index of the first image, from 0 (default 0)");
      ("--count", natural (fun n -> count := Some n), "N  number of images (default all)");
      ("--radius", natural (fun n -> radius := Some n), "TICKS  says whether IBP proves each label there");
      ("--claims", text claims, "FILE  says whether each claim of a file of such lines holds");
    ]
  in
  Arg.parse options (fun path -> model := Some path) usage;
  let refused sentence =
    prerr_endline ("error: " ^ sentence);
    exit 2
  in
  match !model with
  | None -> refused "give a model file"
  | Some model -> (
      try if not (run model !certificate !idx_file !raw_file !first !count !radius !claims) then exit 1 with
      | Model_file.Refused sentence | Sys_error sentence -> refused sentence
      | Yojson.Json_error sentence | Yojson.Safe.Util.Type_error (sentence, _) ->
          refused ("not the JSON that is expected: " ^ sentence))
